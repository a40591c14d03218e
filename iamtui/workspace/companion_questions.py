"""What is asked for each companion of a call: on which resource, in which context, and whether it decides."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

from iamtui.analysis.question import Question
from iamtui.catalog.actions import catalogue
from iamtui.catalog.api_calls import Check, companions
from iamtui.policy.arn import Arn, parse_arn
from iamtui.text import safe_text

_LOST_ON_THE_WAY: Final = (
    "aws:SourceVpc",
    "aws:SourceVpcArn",
    "aws:SourceVpce",
    "aws:VpceAccount",
    "aws:VpceOrgID",
    "aws:VpceOrgPaths",
    "aws:VpcSourceIp",
)
"""Keys of the first hop that a forward access session does not carry (IAM User Guide: forward access sessions)."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A companion to be answered: the check, the request it is answered as, and whether it decides."""

    check: Check
    question: Question
    decides: bool


@dataclass(frozen=True, slots=True)
class Call:
    """What was typed for one action, as AWS authorizes it.

    Args:
        action: the action that is authorized; not what was typed for a call without an action of its own name.
        checks: what is authorized besides.
        note: what the table says of the action itself, or "".
    """

    action: str
    checks: tuple[Check, ...]
    note: str = ""

    @classmethod
    def of(cls, typed: str) -> Call:
        """The call behind an action or API call, in any letter case."""
        checks = companions(typed)
        if not checks:
            return cls(typed, ())
        first, *rest = checks
        return cls(typed if catalogue().knows(typed) else first.action, tuple(rest), first.note)


def companion_questions(
    call: Call,
    question: Question,
    named: Mapping[str, tuple[str, ...]],
    partition: str,
    account: str,
) -> Iterator[Asked]:
    """The companions of a question.

    Args:
        question: the action itself on its resource, with its region.
        named: companions that the call does make, by action in lower case, to their resources (none: whatever
            fits). They decide, as those of every call do.
        partition, account: where the resources of companions that nobody named are looked for.
    """
    for check in call.checks:
        key = check.action.lower()
        if key == question.action.lower() and _same_type(check, question.resource, partition, account):
            continue
        resources = named.get(key) or (_resource_of(check, question, partition, account),)
        for resource in resources:
            context = _context_of(check, question, resource)
            asked = replace(question, action=check.action, resource=resource, context=context)
            yield Asked(check, asked, not check.when or key in named)


def _resource_of(check: Check, question: Question, partition: str, account: str) -> str:
    if not check.arn:
        return question.resource
    arn = parse_arn(question.resource)
    bucket = arn.resource.split("/", 1)[0] if arn is not None and arn.service == "s3" else "*"
    region = (arn.region if arn is not None else "") or _region_of(question)
    return check.arn.format(partition=partition, account=account, bucket=bucket, region=region)


def _region_of(question: Question) -> str:
    given = {key.lower(): values for key, values in question.context.items()}.get("aws:requestedregion", ())
    return given[0] if len(given) == 1 else question.region or "*"


def _same_type(check: Check, resource: str, partition: str, account: str) -> bool:
    """Whether the resource of the call is already what the check is about (a subnet, when asked about subnets)."""
    if not check.arn:
        return True
    form = parse_arn(check.arn.format(partition=partition, account=account, bucket="*", region="*"))
    arn = parse_arn(resource)
    if form is None or arn is None or arn.service != form.service:
        return False
    return arn.resource.split("/", 1)[0] == form.resource.split("/", 1)[0]


def _context_of(check: Check, question: Question, resource: str) -> dict[str, tuple[str, ...]]:
    """The context of a companion: what the check always carries, and what a forwarded request keeps and loses."""
    context = dict(question.context)
    given = {key.lower() for key in context}
    for key, value in check.context:
        if key.lower() not in given:
            context[key] = (value,)
    if not check.via:
        return context
    lost = {key.lower() for key in _LOST_ON_THE_WAY} | {"aws:viaawsservice"}
    context = {key: values for key, values in context.items() if key.lower() not in lost}
    context |= dict.fromkeys(_LOST_ON_THE_WAY, ())
    context["aws:ViaAWSService"] = ("true",)
    arn = parse_arn(resource)
    if arn is not None and arn.region and "*" not in arn.region and "kms:viaservice" not in given:
        # A key is used by the service of its own Region only.
        context["kms:ViaService"] = (f"{check.via}.{arn.region}.amazonaws.com",)
    return context


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


def wrong_names(named: Mapping[str, tuple[str, ...]], checks: Iterator[Check]) -> tuple[str, str]:
    """A name that is no companion of anything asked, and what would be, as safe text; ("", "") when all are."""
    known = {check.action.lower(): check.action for check in checks}
    for name in named:
        if name.lower() not in known:
            return safe_text(name), ", ".join(known.values())
    return "", ""
