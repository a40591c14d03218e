"""Condition keys that follow from the account's caller, its sessions and the resource, and those that are assumed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final

from msgspec import Struct

from iamtui.account.model import Account, Missing, Role, User
from iamtui.engine.possible_requests import place_of_resource
from iamtui.engine.prepared_request import PreparedAction, may_belong_to_aws
from iamtui.engine.request import Mode
from iamtui.policy.context import ABSENT, KeyNames, KeyState, KeyValue, KeyValues, Moment, OneOf
from iamtui.policy.document import PrincipalEntry
from iamtui.policy.patterns import Glob, is_account_id, parse_arn, request_tokens
from iamtui.policy.statement import action_name, compile_policy
from iamtui.policy.types import DEFAULT_LANGUAGE_OPTIONS, PolicyType
from iamtui.policy.values import parse_date
from iamtui.questions.question import Question

GLOBAL_SERVICES: Final = frozenset(
    ("iam", "organizations", "route53", "cloudfront", "support", "health", "account", "globalaccelerator", "shield")
)
"""Services whose requests report us-east-1 as aws:RequestedRegion (IAM User Guide: aws:RequestedRegion)."""


ONLY_FORWARDED: Final = ("aws:CalledVia", "aws:CalledViaFirst", "aws:CalledViaLast")
"""Keys that are taken to be absent where aws:ViaAWSService is taken to be false."""


class KnownContext(Struct, frozen=True):
    """Values by lower-case key, and the names (or families, `aws:PrincipalTag/*`) known to be absent."""

    values: KeyValues
    absent: tuple[str, ...] = ()


def _tagged(account: Account, prepared: PreparedAction) -> User | Role | None:
    arn = prepared.arn
    if arn is None or arn.service != "iam":
        return None
    found = account.by_arn(prepared.resource.text)
    return found if isinstance(found, (User, Role)) and not tags_are_unread(found) else None


def tags_are_unread(entity: User | Role) -> bool:
    return any(unread.part == "tags" for unread in entity.unread)


def has_keys_of_its_own(account: Account, prepared: PreparedAction) -> bool:
    """True if the keys of a request differ from those of others about resources of the same owner."""
    return (
        _tagged(account, prepared) is not None
        or _has_aliases(account, prepared)
        or not prepared.facts.supports_resource_account
        or may_belong_to_aws(prepared)
    )


def _has_aliases(account: Account, prepared: PreparedAction) -> bool:
    return bool(account.kms_aliases) and bool(_aliases(account, prepared))


def _aliases(account: Account, prepared: PreparedAction) -> tuple[str, ...]:
    """The known aliases of the request's key, as `alias/NAME`."""
    if prepared.action.service != "kms":
        return ()
    found = account.memo.get("aliases of keys")
    if found is None:
        found = account.memo["aliases of keys"] = {}
        for alias, key in account.kms_aliases.items():
            found[key] = (*found.get(key, ()), alias.rsplit(":", 1)[-1])
    aliases: tuple[str, ...] = found.get(prepared.resource.text, ())
    return aliases


def resource_context(account: Account, prepared: PreparedAction, owner: str | None) -> KnownContext:
    """Known context of the resource: owner, its organization, aliases of keys, tags of users and roles.

    Args:
        owner: None where it is not known, as where the resource may be one of AWS's own.
    """
    known = _of_owner(account, owner)
    if not prepared.facts.supports_resource_account:
        values = {key: value for key, value in known.values.items() if key != "aws:resourceaccount"}
        known = KnownContext(values, known.absent)
    if _has_aliases(account, prepared):
        return KnownContext({**known.values, "kms:resourcealiases": _aliases(account, prepared)}, known.absent)
    tagged = _tagged(account, prepared)
    if tagged is None:
        return known
    values = {**known.values}
    for key, value in tagged.tags:
        values[f"aws:resourcetag/{key.lower()}"] = values[f"iam:resourcetag/{key.lower()}"] = (value,)
    return KnownContext(values, (*known.absent, "aws:ResourceTag/*", "iam:ResourceTag/*"))


def _of_owner(account: Account, owner: str | None) -> KnownContext:
    if owner != account.id:
        return KnownContext({"aws:resourceaccount": KeyState.PRESENT if owner is None else (owner,)})
    found = account.memo.get("context of own resources")
    if found is None:
        organization = organization_context(account, "aws:Resource")
        values = {"aws:resourceaccount": (account.id,), **organization.values}
        found = account.memo["context of own resources"] = KnownContext(values, organization.absent)
    assert isinstance(found, KnownContext)
    return found


def organization_context(account: Account, prefix: str) -> KnownContext:
    fact = account.organization
    if isinstance(fact, Missing):
        return KnownContext({})
    if fact.value is None:
        return KnownContext({}, (f"{prefix}OrgID", f"{prefix}OrgPaths"))
    organization = fact.value
    lowered = prefix.lower()
    values: dict[str, tuple[str, ...]] = {f"{lowered}orgid": (organization.id,)}
    if organization.path and organization.path[0].type == "ROOT":
        values[f"{lowered}orgpaths"] = (organization.org_path,)
    return KnownContext(values)


class Environment(KnownContext, frozen=True):
    """Assumed context of a request, with the names as they are printed."""

    names: tuple[str, ...] = ()


_TIMES: Final = frozenset(("aws:currenttime", "aws:epochtime"))
_LONGEST_SESSION: Final = 36 * 3600
"""Seconds that credentials of STS last at most (STS API Reference: GetFederationToken); those of a role 12 hours."""
_LAST: Final = 253_402_300_799
"""The end of the year 9999."""


def environment_of(question: Question, region: str, now: int, *, through_endpoint: bool) -> Environment:
    """Environment that a question assumes for its request.

    This is where strict is told from the raw reading, which takes nothing for granted.

    Args:
        region: the region of the request, or "".
        now: seconds since the epoch.
        through_endpoint: whether the request comes through a VPC endpoint.
    """
    if question.mode is Mode.RAW:
        return Environment({})
    given = frozenset(map(str.lower, question.context))
    if not given.isdisjoint(_TIMES):
        told = _second_of(question.context)
        given, now = (given | _TIMES, now) if told is None else (given, told)
    assumed = assumed_environment(region, now if question.made_now else None, given)
    return assumed if question.mode is Mode.DISCOVER else _with_all_that_is_sent(assumed, given, through_endpoint)


def _second_of(context: Mapping[str, tuple[str, ...]]) -> int | None:
    """The second that a given aws:CurrentTime, or aws:EpochTime, says; None: it says none."""
    values = next(values for key, values in context.items() if key.lower() in _TIMES)
    found = parse_date(values[0]) if len(values) == 1 else None
    return int(found) if found is not None and found % 1 == 0 and 0 <= found <= _LAST else None


@lru_cache(maxsize=64)
def assumed_environment(region: str, now: int | None, given: frozenset[str]) -> Environment:
    """Assumed environment of a request, each assumption to be printed.

    Args:
        region: the region of the request, or "".
        now: seconds since the epoch; None: nothing but the region is taken for granted.
        given: the keys that the user gave, in lower case, a `*` in those of absent keys; nothing is assumed of them.
    """
    values: dict[str, tuple[str, ...]] = {}
    if now is not None:
        values["aws:CurrentTime"] = (f"{datetime.fromtimestamp(now, UTC).isoformat()[:19]}Z",)
        values["aws:SecureTransport"] = ("true",)
        values["aws:ViaAWSService"] = ("false",)
    if region:
        values["aws:RequestedRegion"] = (region,)
    named = KeyNames(given)
    if now is not None and any(name.lower() in named for name in ONLY_FORWARDED):
        # Who names the services that call on somebody's behalf does not ask about a direct call.
        del values["aws:ViaAWSService"]
    assumed = {name: value for name, value in values.items() if name.lower() not in named}
    derived: dict[str, KeyValue] = {name.lower(): value for name, value in assumed.items()}
    if now is not None and "aws:epochtime" not in named:
        # The same instant as aws:CurrentTime, which is printed, or given.
        derived["aws:epochtime"] = (str(now),)
    is_of_one_time = now is not None and not given >= _TIMES
    issued = Moment(max(now - _LONGEST_SESSION, 0), now) if now is not None and is_of_one_time else KeyState.PRESENT
    return Environment(
        {"aws:useragent": KeyState.PRESENT, "aws:tokenissuetime": issued, **derived},
        ONLY_FORWARDED if "aws:ViaAWSService" in assumed else (),
        tuple(f"{name} = {value[0]}" for name, value in assumed.items()),
    )


def _with_all_that_is_sent(assumed: Environment, given: frozenset[str], through_endpoint: bool) -> Environment:
    """The assumptions, and the other keys that AWS always sends (IAM User Guide: global condition keys)."""
    names = ["aws:CurrentTime", "aws:EpochTime", "aws:SecureTransport", "aws:ViaAWSService", "aws:RequestedRegion"]
    names += ["aws:UserAgent"] if through_endpoint else ["aws:UserAgent", "aws:SourceIp"]
    values = {name.lower(): KeyState.PRESENT for name in names}
    named = KeyNames((*given, *(key for key, value in assumed.values.items() if isinstance(value, tuple))))
    said = tuple(f"{name}: present, value unknown" for name in names if name.lower() not in named)
    return Environment({**values, **assumed.values}, assumed.absent, assumed.names + said)


def given_owner(question: Question) -> str | None:
    """The owner that a given aws:ResourceAccount names, where the ARN of the resource does not."""
    _, account = place_of_resource(question.context)
    arn = parse_arn(question.resource)
    is_open = question.mode is not Mode.RAW and (arn is None or not is_account_id(arn.account))
    return account if is_open and is_account_id(account) else None


def region_of(prepared: PreparedAction, question: Question) -> str:
    """The region of a request, or ""; a role is passed in that of another call, if it is not one of now."""
    if prepared.action.service in GLOBAL_SERVICES:
        return "us-east-1" if question.made_now or prepared.action.full != "iam:passrole" else ""
    named = "" if prepared.arn is None else prepared.arn.region
    # Of a set, a resource may stand for those in any region that no policy names, by a letter that is nobody's: another
    # region than the one in use. Where none is in use, a condition may name it.
    if "*" in named and not Glob(request_tokens(named)).matches(question.region):
        # The Region in use is that of none of them.
        return ""
    is_told = named and "*" not in named and (named.isascii() or question.region)
    return named if is_told else question.region


# Session tags and MFA mark that the sessions of a role can carry, by who can start one.


_NEVER_TRUE: Final = OneOf((ABSENT, ("false",)))


def roles_with_tagged_sessions(accounts: Iterable[Account]) -> frozenset[str]:
    """The ARNs of the roles whose sessions may have tags: whose trust policy allows sts:TagSession."""
    return frozenset(role.arn for account in accounts for role in account.roles if _may_set_tags(role))


def _may_set_tags(role: Role) -> bool:
    tag = action_name("sts:TagSession")
    return role.trust.error is not None or any(
        one.allows and one.action.matches(tag)
        for one in compile_policy(role.trust, PolicyType.TRUST, DEFAULT_LANGUAGE_OPTIONS).statements
    )


def has_no_session_tags(role: Role) -> bool:
    """True if no session of a role has tags but those of the role.

    Without sts:TagSession in the trust policy a call that sets tags fails. Another session may hand on its own.
    """
    return not (tags_are_unread(role) or _may_set_tags(role) or any(map(_may_be_session, _let_in(role))))


def context_of_sessions(role: Role) -> KnownContext:
    """The condition keys of which the trust policy of a role tells something, in all of its sessions."""
    mfa = _mfa(role)
    values: dict[str, KeyValue] = {} if mfa is None else {"aws:multifactorauthpresent": mfa}
    tags = ("aws:PrincipalTag/*",) if has_no_session_tags(role) else ()
    return KnownContext(values, (*tags, "aws:MultiFactorAuthAge") if mfa == () else tags)


def _mfa(role: Role) -> KeyValue | None:
    """Known value of aws:MultiFactorAuthPresent in the sessions of a role; None: nothing is known.

    Sessions from an identity provider lack it; no service has an MFA device.
    """
    kinds = {entry.kind for entry in _let_in(role)}
    if not kinds or not kinds <= {"Service", "Federated"}:
        return None
    return ABSENT if kinds == {"Federated"} else _NEVER_TRUE


def _let_in(role: Role) -> Iterator[PrincipalEntry]:
    """Principals of the Allows of a trust policy; a star where that is anybody, or not known."""
    anybody = PrincipalEntry("*", "*")
    if role.trust.error is not None:
        yield anybody
        return
    for statement in role.trust.policy.statements:
        if statement.effect == "Allow":
            yield from statement.principals if statement.principals is not None else (anybody,)


def _may_be_session(entry: PrincipalEntry) -> bool:
    """True if a trusted principal may itself be the session of a role."""
    if entry.kind in ("Service", "Federated"):
        return False
    arn = parse_arn(entry.value) if entry.kind == "AWS" else None
    return arn is None or (arn.service, arn.resource_type) != ("iam", "user")
