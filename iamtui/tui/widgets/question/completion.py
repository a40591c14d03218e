"""What the fields of a question complete to. Pure: candidates in, the best few out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase
from typing import Final

from iamtui.account.model import Account
from iamtui.policy.arn import parse_arn

MOST: Final = 50
"""Longest list of completions: laying out more costs more than a key press may."""

CONTEXT_KEYS: Final = (
    "aws:MultiFactorAuthPresent=true",
    "aws:SourceIp=",
    "aws:SourceVpc=",
    "aws:SourceVpce=",
    "aws:RequestedRegion=",
    "aws:SecureTransport=true",
    "aws:CurrentTime=",
    "aws:PrincipalOrgID=",
    "aws:PrincipalTag/",
    "aws:RequestTag/",
    "aws:ResourceTag/",
    "aws:TagKeys=",
    "aws:ViaAWSService=false",
    "aws:CalledVia=",
)
"""Global condition keys that questions are most often asked with."""


def best_matches(text: str, candidates: Iterable[str], limit: int = MOST) -> list[str]:
    """Candidates that start with the text, then those that contain it (any letter case), each in their order."""
    needle = text.lower()
    front: list[str] = []
    inside: list[str] = []
    for candidate in candidates:
        position = candidate.lower().find(needle)
        if position == 0:
            front.append(candidate)
            if len(front) == limit:
                return front
        elif position > 0 and len(inside) < limit:
            inside.append(candidate)
    return (front + inside)[:limit]


def known_resources(account: Account) -> tuple[str, ...]:
    """Every ARN the account's data names: resources with a policy (buckets with their objects), then entities."""
    cached = account.memo.get(known_resources)
    if isinstance(cached, tuple):
        return cached
    found: dict[str, None] = {}
    for arn in account.resource_policies:
        found[arn] = None
        parsed = parse_arn(arn)
        if parsed is not None and parsed.service == "s3" and "/" not in parsed.resource:
            found[f"{arn}/*"] = None
    for entity in account.entities():
        found[entity.arn] = None
    result = tuple(found)
    account.memo[known_resources] = result
    return result


def resource_candidates(account: Account | None, templates: Sequence[str], service: str) -> list[str]:
    """Resources to offer for an action: known ARNs of its forms, others of its service, the forms, `*`, then the rest.

    So objects come before buckets for an action on objects, and roles before users for one on roles.

    Args:
        account: the account, or None while nothing is open.
        templates: ARN forms of the action's resource types, with the account and region filled in.
        service: the action's service prefix ("s3"), or "".
    """
    known = known_resources(account) if account is not None else ()
    own = service_of_arns(service)
    same = [arn for arn in known if arn.split(":", 3)[2:3] == [own]]
    others = [arn for arn in known if arn.split(":", 3)[2:3] != [own]]
    fitting = [arn for arn in same if any(fnmatchcase(arn, template) for template in templates)]
    ordered = [*fitting, *same, *templates, "*", *others] if service else [*known, "*"]
    return list(dict.fromkeys(ordered))


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


def last_word(text: str) -> tuple[str, str]:
    """The context line cut before its last word, which is the one being typed."""
    head, space, word = text.rpartition(" ")
    return head + space, word
