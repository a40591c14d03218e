"""Names in a draft: what a person writes (`user/alice`, `ReadOnlyAccess`) as the ARNs that edits hold."""

from __future__ import annotations

import difflib
from functools import cache
from typing import Any

from msgspec import structs

from iamtui.account.model import Account, Entity, Group, Known, ManagedPolicy, Role, User
from iamtui.drafts.draft import Draft, Edit
from iamtui.problem import Problem
from iamtui.sources.managed_policies import managed_policy, managed_policy_arns
from iamtui.text import safe_text

_MOST_SUGGESTIONS = 5


@cache
def _aws_arns_by_name() -> dict[str, str]:
    return {arn.rsplit("/", 1)[-1]: arn for arn in managed_policy_arns()}


def aws_managed_policy(name_or_arn: str) -> ManagedPolicy | None:
    """An AWS managed policy by name ("ReadOnlyAccess") or ARN, with the text that came with iamtui, or None."""
    if name_or_arn.startswith("arn:"):
        return managed_policy(name_or_arn) if ":iam::aws:" in name_or_arn else None
    arn = _aws_arns_by_name().get(name_or_arn)
    return managed_policy(arn) if arn is not None else None


def aws_managed_policy_arns() -> tuple[str, ...]:
    """The ARNs of all AWS managed policies whose text came with iamtui, for completion; reads a large file once."""
    return tuple(sorted(_aws_arns_by_name().values()))


def holder_arn(account: Account, text: str) -> str:
    """The ARN of the user, group or role meant: an ARN, `user/NAME`, `group/NAME`, `role/NAME` or a unique name.

    Raises:
        Problem: nobody, or several, answer to it.
    """
    found = _holders(account, text.strip())
    if len(found) == 1:
        return found[0].arn
    if found:
        names = " or ".join(_kind_and_name(entity) for entity in found)
        raise Problem(f"{safe_text(text)} names more than one.", f"Say {names}.")
    everyone: tuple[User | Group | Role, ...] = (*account.users, *account.groups, *account.roles)
    raise Problem(
        f"No user, group or role of this account is {safe_text(text) or 'named'}.",
        _nearest(text, [_kind_and_name(entity) for entity in everyone]),
    )


def policy_arn(account: Account, text: str) -> str:
    """The ARN of the managed policy meant: an ARN, or the name of one of the account's or of AWS's policies.

    An ARN is taken as it is, whether the account has it or not.

    Raises:
        Problem: no policy has the name, or several have.
    """
    text = text.strip()
    if text.startswith("arn:"):
        return text
    own = [policy.arn for policy in account.policies if policy.name == text]
    aws = aws_managed_policy(text)
    found = list(dict.fromkeys((*own, *([aws.arn] if aws is not None else []))))
    if len(found) == 1:
        return found[0]
    if found:
        raise Problem(f"{safe_text(text)} names more than one policy.", f"Give its ARN: {' or '.join(found)}.")
    names = [*(policy.name for policy in account.policies), *_aws_arns_by_name()]
    raise Problem(f"There is no managed policy {safe_text(text) or 'without a name'}.", _nearest(text, names))


def level_id(account: Account, text: str) -> str:
    """The id of the level of the organization meant: an id, or the name of one level above the account.

    What names none, or several, comes back as it is, so that laying the draft says what is wrong with it.
    """
    organization = account.organization.value if isinstance(account.organization, Known) else None
    path = organization.path if organization is not None else ()
    found = [level.id for level in path if level.name == text]
    return found[0] if len(found) == 1 and all(level.id != text for level in path) else text


def _holders(account: Account, text: str) -> tuple[User | Group | Role, ...]:
    if text.startswith("arn:"):
        entity = account.by_arn(text)
        return (entity,) if isinstance(entity, (User, Group, Role)) else ()
    kind, slash, rest = text.partition("/")
    pools: dict[str, tuple[User | Group | Role, ...]] = {
        "user": account.users, "group": account.groups, "role": account.roles,
    }  # fmt: skip
    if slash and kind in pools:
        return tuple(e for e in pools[kind] if e.name == rest or f"{e.path}{e.name}" == f"/{rest}")[:1]
    found: tuple[Entity | None, ...] = (account.user(text), account.group(text), account.role(text))
    return tuple(entity for entity in found if isinstance(entity, (User, Group, Role)))


def _kind_and_name(entity: User | Group | Role) -> str:
    return f"{type(entity).__name__.lower()}/{entity.name}"


def _nearest(text: str, names: list[str]) -> str:
    wanted = text.lower().rsplit("/", 1)[-1]
    lowered = {name: name.lower().rsplit("/", 1)[-1] for name in names}
    close = set(difflib.get_close_matches(wanted, lowered.values(), n=_MOST_SUGGESTIONS, cutoff=0.5))
    near = [name for name, low in lowered.items() if low in close][:_MOST_SUGGESTIONS]
    return f"Nearest: {', '.join(safe_text(name) for name in near)}." if near else "Give its ARN."


def resolved_draft(account: Account, draft: Draft) -> Draft:
    """The draft with names replaced by ARNs, as somebody writes them into a file by hand.

    What cannot be resolved stays as it is, so that laying the draft says which edit is at fault.
    """
    edits = tuple(_resolved(account, edit) for edit in draft.edits)
    return draft if all(new is old for new, old in zip(edits, draft.edits, strict=True)) else draft.with_edits(edits)


def _resolved(account: Account, edit: Edit) -> Edit:
    changed: dict[str, Any] = {}
    for field, value in structs.asdict(edit).items():
        if field == "level_id" and level_id(account, value) != value:
            changed[field] = level_id(account, value)
        if field not in ("holder_arn", "policy_arn", "user_arn", "group_arn", "role_arn"):
            continue
        if value.startswith("arn:") or not value:
            continue
        kind = field.removesuffix("_arn")
        try:
            if kind == "policy":
                changed[field] = policy_arn(account, value)
            else:
                wanted = value if kind == "holder" or "/" in value else f"{kind}/{value}"
                changed[field] = holder_arn(account, wanted)
        except Problem:
            continue
    return structs.replace(edit, **changed) if changed else edit
