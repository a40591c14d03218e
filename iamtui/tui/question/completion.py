"""What the fields of a question complete to. Pure: candidates in, the best few out."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from typing import TYPE_CHECKING, Final

from iamtui.account.model import Account, Group, Role, User
from iamtui.policy.document import PolicyDocument
from iamtui.policy.patterns import parse_arn
from iamtui.tui import lazy

if TYPE_CHECKING:
    from iamtui.catalog.actions import ActionInfo, Catalogue


MOST: Final = 50
"""Longest list of completions: laying out more costs more than a key press may."""

CONTEXT_KEYS: Final = (
    "aws:MultiFactorAuthPresent=",
    "aws:SourceIp=",
    "aws:SourceVpc=",
    "aws:SourceVpce=",
    "aws:RequestedRegion=",
    "aws:SecureTransport=",
    "aws:CurrentTime=",
    "aws:PrincipalOrgID=",
    "aws:PrincipalTag/",
    "aws:RequestTag/",
    "aws:ResourceTag/",
    "aws:TagKeys=",
    "aws:ViaAWSService=",
    "aws:CalledVia=",
)
"""Global condition keys that questions are most often asked with."""


def best_matches(
    text: str, candidates: Iterable[str], limit: int = MOST, *, folded: Iterable[str] | None = None
) -> list[str]:
    """Candidates that start with the text, then those that contain it (any letter case), each in their order.

    Args:
        folded: the candidates in small letters, where those are at hand.
    """
    needle = text.lower()
    front: list[str] = []
    inside: list[str] = []
    small = folded if folded is not None else map(str.lower, candidates := list(candidates))
    for candidate, lowered in zip(candidates, small, strict=True):
        position = lowered.find(needle)
        if position == 0:
            front.append(candidate)
            if len(front) == limit:
                return front
        elif position > 0 and len(inside) < limit:
            inside.append(candidate)
    return (front + inside)[:limit]


def known_resources(account: Account) -> Mapping[str, str]:
    """Every ARN the account's data names, to where it comes from.

    Resources with a policy (buckets with their objects), then entities, then what the Resource elements of its
    policies name. Reading all policies takes a while: call it in a thread.
    """
    cached = account.memo.get(known_resources)
    if isinstance(cached, dict):
        return cached
    found: dict[str, str] = {}
    for arn in account.resource_policies:
        found[arn] = "in the account"
        parsed = parse_arn(arn)
        if parsed is not None and parsed.service == "s3" and "/" not in parsed.resource:
            found[f"{arn}/*"] = "in the account"
    for entity in account.entities():
        found.setdefault(entity.arn, "in the account")
    for arn in _resources_in_policies(account):
        found.setdefault(arn, "in a policy")
    account.memo[known_resources] = found
    return found


def _resources_in_policies(account: Account) -> Iterator[str]:
    """The Resource elements of the account's own policies that are ARNs without variables, in their order."""
    seen: set[int] = set()
    for document in _documents(account):
        if id(document) in seen or document.error is not None:
            continue
        seen.add(id(document))
        statements = document.value.get("Statement") if isinstance(document.value, Mapping) else None
        for statement in statements if isinstance(statements, list) else [statements]:
            named = statement.get("Resource") if isinstance(statement, Mapping) else None
            for arn in named if isinstance(named, list) else [named]:
                if isinstance(arn, str) and arn.startswith("arn:") and "${" not in arn and parse_arn(arn) is not None:
                    yield arn


def _documents(account: Account) -> Iterator[PolicyDocument]:
    holders: tuple[User | Group | Role, ...] = (*account.users, *account.groups, *account.roles)
    for holder in holders:
        for inline in holder.inline_policies:
            yield inline.document
    for policy in account.policies:
        for version in policy.versions:
            if version.is_default:
                yield version.document


def resource_candidates(
    account: Account | None, forms: Iterable[str], services: Set[str], recent: Sequence[str] = ()
) -> Mapping[str, str]:
    """Resources to offer for actions, in this order, to where each comes from.

    Those of earlier questions that have the actions' forms, the forms, known ARNs that have them, `*`, others of
    their services, then the rest. So objects come before buckets for an action on objects, and roles before users
    for one on roles.

    Args:
        account: the account, or None while nothing is open.
        forms: ARN forms of the actions' resource types, with the account and region filled in.
        services: the service fields of the ARNs that the actions work on ("s3").
        recent: resources of earlier questions, the newest first.
    """
    known = known_resources(account) if account is not None else {}
    ordered: dict[str, str] = {}
    shapes = tuple(forms)
    if not services:
        ordered.update(dict.fromkeys(recent, "asked before"))
        ordered.update({arn: kind for arn, kind in known.items() if arn not in ordered})
        ordered.setdefault("*", "any resource")
        return ordered
    matches = _any_of(shapes)
    before = {arn: "asked before" for arn in recent if _service(arn) in services}
    same = {arn: kind for arn, kind in known.items() if _service(arn) in services}
    for candidates in (
        {arn: kind for arn, kind in before.items() if matches(arn)},
        dict.fromkeys(shapes, "ARN form"),
        {arn: kind for arn, kind in same.items() if matches(arn)},
        {} if shapes else same,
        {"*": "any resource"},
        before,
        same,
        known,
    ):
        for arn, kind in candidates.items():
            ordered.setdefault(arn, kind)
    return ordered


def _service(arn: str) -> str:
    return arn.split(":", 3)[2] if arn.count(":") >= 3 else ""


def _any_of(shapes: Sequence[str]) -> Callable[[str], object]:
    """Whether an ARN has one of the shapes, in which stars stand for any text."""
    if not shapes:
        return lambda _arn: False
    return re.compile("|".join(".*".join(map(re.escape, shape.split("*"))) for shape in shapes)).fullmatch


def service_of_arns(prefix: str) -> str:
    """The service field of the ARNs that a service's actions work on: the prefix, except for STS, which has roles."""
    return "iam" if prefix.lower() == "sts" else prefix.lower()


def fill_template(template: str, account: Account | None, region: str) -> str:
    """An ARN form (`arn:${Partition}:s3:::${BucketName}`) as a pattern: what is known filled in, the rest `*`."""
    partition = account.partition if account is not None else "aws"
    filled = template.replace("${Partition}", partition).replace("${Region}", region or "*")
    filled = filled.replace("${Account}", account.id if account is not None else "*")
    pieces: list[str] = []
    for index, piece in enumerate(filled.split("${")):
        pieces.append(piece if index == 0 else "*" + piece.partition("}")[2])
    return "".join(pieces)


# The catalogue of actions as the question's fields use it, loaded at the first use in a thread.


class SearchableCatalogue:
    """Reads `iamtui.catalog`. Its data takes a while to load, so every method is called in a thread."""

    def search(self, text: str, limit: int) -> Sequence[str]:
        return self._catalogue().search_actions(text, limit)

    def described(self, action: str) -> tuple[str, str]:
        info = self._info(action)
        if info is None:
            return "", ""
        words = info.description.removeprefix("Grants permission to ")
        return info.access_levels[0], words[:1].upper() + words[1:]

    def known(self, action: str) -> bool:
        """Whether AWS lists this action or API call, or some action that the pattern matches."""
        if "*" in action or "?" in action:
            return bool(self._catalogue().count(action))
        return self._catalogue().knows(action) or bool(lazy.dependent_actions.companions(action))

    def arn_forms(self, action: str) -> Sequence[str] | None:
        """ARN forms of the action's resource types; of a pattern's actions, those of the first few."""
        if "*" not in action and "?" not in action:
            info = self._info(action)
            return info.arn_forms if info is not None else None
        forms: dict[str, None] = {}
        for name in self._catalogue().expand(action)[:_MOST_OF_A_PATTERN]:
            forms.update(dict.fromkeys(self.arn_forms(name) or ()))
        return tuple(forms) or None

    def condition_keys(self, action: str) -> Sequence[str]:
        info = self._info(action)
        return info.all_condition_keys if info is not None else ()

    def _info(self, action: str) -> ActionInfo | None:
        return self._catalogue().action(action)

    def _catalogue(self) -> Catalogue:
        return lazy.actions.catalogue()


_MOST_OF_A_PATTERN = 200
