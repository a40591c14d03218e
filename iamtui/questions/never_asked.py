"""Questions that AWS never asks: an action that it does not have, a resource that the action does not work on."""

from __future__ import annotations

import difflib
from typing import Final

from iamtui.catalog.actions import ActionInfo, catalogue
from iamtui.policy.patterns import Arn, parse_arn
from iamtui.problem import Problem
from iamtui.text import safe_text

_MOST_NEAREST: Final = 4


def never_asked(action: str, resource: str) -> str:
    """Why AWS never asks about an action on a resource, as far as the catalogue knows; "" where it may.

    Args:
        action: as AWS authorizes it ("service:Operation"), no pattern.
    """
    info = catalogue().action(action)
    if info is None:
        near = nearest_actions(action)
        hint = f" Nearest: {', '.join(near)}." if near else ""
        return f"AWS never asks this, as far as is known here: {safe_text(action)} is not in the catalogue.{hint}"
    if not info.arn_forms or fits(action, resource):
        return ""
    return f"AWS never asks this: {_what_it_is_about(info)}, which this resource is not."


def _what_it_is_about(info: ActionInfo) -> str:
    forms = [form.replace("${Partition}", "aws") for form in sorted(info.arn_forms, key=len)[:2]]
    return f"{info.name} is about {' or '.join(forms)}{' and more' if len(info.arn_forms) > 2 else ''}"


def no_action_matches(pattern: str) -> Problem:
    """The refusal of a pattern that matches no action; names the nearest."""
    near = nearest_actions(pattern)
    hint = f"Nearest: {', '.join(near)}." if near else "See the actions of the service in its documentation."
    return Problem(f"{safe_text(pattern)} matches no action of AWS.", hint)


def nearest_actions(text: str) -> list[str]:
    """The actions (or services, as "iam:*") whose names are nearest to an action or a pattern of them."""
    service, _, name = text.partition(":")
    if not catalogue().is_service(service):
        services = [found.prefix for found in catalogue().services()]
        like = difflib.get_close_matches(service.lower(), services, n=_MOST_NEAREST, cutoff=0.7)
        same = [f"{prefix}:{name}" for prefix in like if catalogue().knows(f"{prefix}:{name}")]
        begin = [prefix for prefix in services if prefix.startswith(service.lower()[:2])]
        return (same or [prefix + ":*" for prefix in dict.fromkeys((*like, *begin))])[:_MOST_NEAREST]
    names = {found.split(":", 1)[1].lower(): found for found in catalogue().actions_of(service)}
    bare = "".join(c for c in name.lower() if c not in "*?")
    # What was typed may be the beginning of a longer name.
    by_length = [found[: max(len(bare), 1) + 1] for found in names]
    close = difflib.get_close_matches(bare, by_length, n=_MOST_NEAREST, cutoff=0.6)
    near = [full for full, short in zip(names, by_length, strict=True) if short in close]
    likeness = {full: difflib.SequenceMatcher(None, bare, full).ratio() for full in near}
    near.sort(key=likeness.__getitem__, reverse=True)
    return [names[full] for full in near[:_MOST_NEAREST]]


def fits(action: str, resource: str) -> bool:
    """Whether a resource can be one that an action is authorized on; true where that cannot be told.

    Only told apart where ARNs leave no doubt: another service, buckets and their objects, and types that begin
    with a word ("instance/", "role/"). An action without resource types fits "*" only.
    """
    if resource == "*":
        return True
    info = catalogue().action(action)
    arn = parse_arn(resource)
    if info is None or arn is None:
        return True
    forms = [form for form in map(parse_arn, info.arn_forms) if form is not None]
    if arn.service == "kms" and arn.resource.startswith("alias/"):
        # A request names a key by its alias, too.
        return any(form.resource.startswith(("alias/", "key/")) for form in forms)
    return any(_may_be(arn, form) for form in forms)


def _may_be(arn: Arn, form: Arn) -> bool:
    if "*" in arn.service or "*" in arn.partition:
        return True
    if arn.service != form.service:
        return False
    if arn.service == "s3" and not arn.account and not form.account:
        is_object = "/" in arn.resource
        either = not is_object and "*" in arn.resource
        return either or is_object == ("/" in form.resource)
    literal = form.resource.split("${", 1)[0]
    fixed = arn.resource.split("*", 1)[0]
    return fixed.startswith(literal) or literal.startswith(fixed) if "*" in arn.resource else fixed.startswith(literal)
