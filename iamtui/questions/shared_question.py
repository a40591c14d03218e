"""A question without its principal, and what the account says of principals and of resources that have a policy."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from sys import intern
from typing import Final, NamedTuple
from weakref import finalize

from msgspec import Struct, structs

from iamtui.account.model import Account, Role, User
from iamtui.catalog.actions import LISTED_PER_RESOURCE, is_of_another_resource, keys_of_other_resources
from iamtui.engine.combined_layers import KnownMembers
from iamtui.engine.decision import Layer
from iamtui.engine.index.index_outcomes import Surrounded
from iamtui.engine.policy_sets import CallerFacts, caller_facts, forget_policies
from iamtui.engine.prepared_request import EVERYONE, PreparedAction, PreparedRequest, lookup_key
from iamtui.engine.request import (
    ANONYMOUS,
    MissingPolicy,
    Mode,
    NamedPolicy,
    NotEvaluated,
    PoliciesInForce,
    PolicyInForce,
    PolicyLevel,
    Principal,
    PrincipalKind,
    Request,
    partition_of,
)
from iamtui.policy.context import Beginning, CommonContext, KeyState, KeyValue, KeyValues, RequestContext
from iamtui.policy.document import PolicyDocument, Statement
from iamtui.policy.patterns import is_account_id, parse_arn
from iamtui.policy.resource import ResourceKind, resource_policy_arn
from iamtui.policy.types import DEFAULT_LANGUAGE_OPTIONS, PolicyType
from iamtui.problem import Problem
from iamtui.questions.known_context import (
    KnownContext,
    context_of_sessions,
    has_no_session_tags,
    organization_context,
    tags_are_unread,
)
from iamtui.questions.policies_in_force import (
    KnownAliases,
    PrincipalPolicies,
    ResourceSide,
    entity_behind,
    keys_with_policy,
    principal_policies,
    restrict_public_buckets,
    services_with_policies,
    without_layers,
)
from iamtui.questions.question import Question
from iamtui.text import safe_text


class ResourceContext(NamedTuple):
    """Context and policies of a request that do not depend on the policy of its resource.

    Args:
        derived, absent: the condition keys that follow from it, and those that are known to be absent.
        assumptions: what is taken for granted.
        side: what is in force on the resource's side.
        commons: the contexts of callers who give no keys, by what is absent of them: a few for each kind of caller.
    """

    derived: tuple[KeyValues, ...]
    absent: tuple[str, ...]
    assumptions: tuple[str, ...]
    side: ResourceSide
    commons: dict[tuple[str, ...], CommonContext]


class SharedQuestion:
    """One question as it is put to all callers of one account.

    Args:
        prepared: its action and resource.
        asked: the same, with what the evaluator finds out about a set.
        owner: the account that owns the resource, or None.
        has_known_members: whether the account knows resources of the set whose own policy has to let the caller in.
    """

    __slots__ = (
        "_account",
        "_around",
        "_caller_account",
        "_callers",
        "_in_force",
        "_of_a_set",
        "_of_others",
        "_of_session",
        "_question",
        "_reads_tags",
        "_request",
        "asked",
        "has_known_members",
        "owner",
        "prepared",
    )

    def __init__(
        self,
        account: Account,
        question: Question,
        prepared: PreparedAction,
        around: ResourceContext,
        *,
        session: tuple[NamedPolicy, ...],
        scope_downs: tuple[NamedPolicy, ...],
        resource: PolicyInForce | NotEvaluated | None,
        resource_account: str | None,
        owner: str | None,
        caller_account: str | None,
        callers: PrincipalPolicies,
        notes: tuple[str, ...] = (),
        no_such_resource: str = "",
        of_a_set: bool = False,
    ) -> None:
        """Take a question.

        Args:
            session, scope_downs: the policies that the callers' sessions are made with, and scoped down by.
            resource: the policy of the resource.
            resource_account: who is said to own it, or None; `owner` is who does.
            callers: the policies of one of the callers; those that all are under are taken from it.
            notes: one sentence each on how it came to this question.
            no_such_resource: a sentence, where the resource is known not to exist.
            of_a_set: whether it is about one resource of a set that was asked about.
        """
        self._account = account
        self._question = question
        self.prepared = prepared
        self._around = around
        self._callers = callers
        self._of_a_set = of_a_set
        is_listed = prepared.action.service in LISTED_PER_RESOURCE
        self._of_others = keys_of_other_resources(question.action, question.resource) if is_listed else ()
        self._reads_tags: bool | None = None
        self.asked = PreparedRequest(prepared, DEFAULT_LANGUAGE_OPTIONS, of_a_set=of_a_set)
        self._caller_account = caller_account
        self.has_known_members = prepared.resource.kind is ResourceKind.SET and has_known_members(account, prepared)
        self.owner = owner
        context, foreign = _carried(question)
        # The request and what is in force for it, but for what is the caller's own.
        self._request = Request(
            ANONYMOUS,  # Nobody yet: each caller is put in its place.
            question.action,
            question.resource,
            resource_account,
            context=context,
            derived=around.derived,
            mode=question.mode,
            known_absent=around.absent + self._of_others,
            assumptions=around.assumptions + foreign,
            notes=notes,
            no_such_resource=no_such_resource,
        )
        self._in_force = PoliciesInForce(
            session=session,
            scope_downs=scope_downs,
            resource=resource,
            scps=callers.scps,
            rcps=around.side.rcps,
            vpc_endpoint=around.side.vpc_endpoint,
            resource_in_management_account=around.side.in_management_account,
            **callers.of_account,
            restrict_public_buckets=restrict_public_buckets(account, prepared),
            lasting=True,
        )
        self._of_session = session + scope_downs

    def surrounded(self, members: tuple[PolicyInForce, ...], known_one_by_one: int) -> Surrounded:
        """The question as an index reads it for all callers.

        Args:
            members, known_one_by_one: as there.
        """
        side = self._around.side
        return Surrounded(
            self.prepared,
            self._request.context,
            self._around.derived,
            self._request.known_absent,
            self._question.mode is Mode.DISCOVER,
            self._in_force.resource,
            () if self._in_force.principal_in_management_account else self._callers.scps,
            () if side.in_management_account else side.rcps,
            session=self._of_session,
            members=members,
            known_one_by_one=known_one_by_one,
            not_for_all=bool(self._question.layers_off or side.vpc_endpoint or self._question.mode is Mode.RAW),
            of_a_set=self._of_a_set,
            with_policies=not members and self.prepared.action.service in services_with_policies(self._account),
            within_account=self._caller_account is not None and self._caller_account == self.owner,
        )

    def put_by(self, own: PrincipalFacts, assumptions: tuple[str, ...]) -> tuple[Request, PoliciesInForce]:
        """The request of one caller, and what is in force for it.

        Args:
            assumptions: what has been taken for granted besides.
        """
        asked = self._request
        if own.tags_of and (own.reads_tags or self._all_read_tags()):
            # A session tag wins over a tag of the same name of its role.
            assumptions = (f"no session tag replaces a tag of {own.tags_of}", *assumptions)
        request = structs.replace(
            asked,
            principal=own.principal,
            derived=(own.known.values, *asked.derived),
            known_absent=own.known.absent + asked.known_absent,
            assumptions=asked.assumptions + assumptions,
        )
        policies = structs.replace(self._in_force, identity=own.policies.identity, boundaries=own.policies.boundaries)
        if self._question.layers_off:
            policies = without_layers(policies, self._question.layers_off)
        return request, policies

    def context_of(self, own: PrincipalFacts) -> RequestContext | None:
        """The context in which one caller asks; None where it is that of this question alone."""
        if self._question.context or self._of_others:
            return None
        around, known = self._around, own.known
        common = around.commons.get(known.absent)
        if common is None:
            discover = self._question.mode is Mode.DISCOVER
            common = CommonContext(
                {}, derived=around.derived, known_absent=known.absent + around.absent, discover=discover
            )
            around.commons[known.absent] = common
        return RequestContext(common, own=known.values, fixed=own.caller.keys)

    def _all_read_tags(self) -> bool:
        """True if a policy that applies to all callers reads principal tags."""
        if self._reads_tags is None:
            self._reads_tags = (
                reads_principal_tags(self._account, (self._in_force.resource,))
                or any("principaltag" in policy.document.raw.lower() for policy in self._of_session)
                or _levels_read_tags(self._account, "scps", self._callers.scps)
                or _levels_read_tags(self._account, "rcps", self._around.side.rcps)
            )
        return self._reads_tags


def known_owner(account: Account, others: Mapping[str, Account], question: Question) -> Account:
    """The account of several that owns the question's resource, or else the first.

    Raises:
        Problem: more than one has read the policy of a resource whose ARN names no account.
    """
    named = question.resource_account
    arn = parse_arn(question.resource)
    if named is None and arn is not None and is_account_id(arn.account):
        named = arn.account
    if named is not None or arn is None:
        return others.get(named or "", account)
    carrier = resource_policy_arn(question.resource, arn)
    # Whoever may not read it need not be the owner.
    having = [
        one
        for one in (account, *others.values())
        if (found := one.resource_policies.get(carrier)) is not None and found.state != "denied"
    ]
    if len(having) > 1:
        raise Problem(
            f"The policy of {safe_text(carrier, limit=512)} was read in the accounts {having[0].id} and "
            f"{having[1].id}, so it is not known which of them owns it.",
            "Name its owner: --resource-account ACCOUNT.",
        )
    return having[0] if having else account


def has_known_members(account: Account, prepared: PreparedAction) -> bool:
    """True if the account knows resources of a set whose own policy has to admit the caller."""
    return bool(keys_with_policy(account)) if prepared.key else prepared.trust


def _carried(question: Question) -> tuple[Mapping[str, tuple[str, ...]], tuple[str, ...]]:
    """The given context without the keys that the check of this resource does not carry, and the notes on those.

    The context is given for a call, which is checked for each of its resources.
    """
    action, resource = question.action, question.resource
    if not question.context or not keys_of_other_resources(action, resource):
        return question.context, ()
    dropped = {key for key in question.context if is_of_another_resource(action, resource, key)}
    if not dropped:
        return question.context, ()
    said = tuple(f"{key} is absent: AWS checks this resource without it" for key in sorted(dropped))
    return {key: values for key, values in question.context.items() if key not in dropped}, said


def _levels_read_tags(account: Account, kind: str, levels: tuple[PolicyLevel, ...] | NotEvaluated) -> bool:
    """True if some SCP or RCP reads principal tags; those of the account are looked through once."""
    if isinstance(levels, NotEvaluated) or not levels:
        return False
    key = ("levels read tags", kind)
    found = account.memo.get(key)
    if found is None or found[0] is not levels:
        reads = any(reads_principal_tags(account, level.policies) for level in levels)
        found = account.memo[key] = (levels, reads)
    return bool(found[1])


def reads_principal_tags(account: Account, policies: Iterable[PolicyInForce | NotEvaluated | None]) -> bool:
    """True if a document reads principal tags, as a condition key or in a variable."""
    return any(isinstance(policy, NamedPolicy) and _speaks_of_tags(account, policy.document) for policy in policies)


def _speaks_of_tags(account: Account, document: PolicyDocument) -> bool:
    key = ("speaks of principal tags", id(document))
    found = account.memo.get(key)
    if found is None or found[0] is not document:
        # The document is kept beside the answer, so its id cannot be reused while it is a key here.
        found = account.memo[key] = (document, "principaltag" in document.raw.lower())
    return bool(found[1])


class PrincipalFacts(Struct, frozen=True):
    """Facts of the account about one caller.

    Args:
        origin: its account, or None, and the partition of its ARN, or "".
        tags_of: the role whose tags it has, or "".
        reads_tags: whether its own policies read principal tags.
        caller: what follows from itself.
    """

    principal: Principal
    policies: PrincipalPolicies
    known: KnownContext
    origin: tuple[str | None, str]
    tags_of: str
    reads_tags: bool
    caller: CallerFacts


_FACTS_OF_OTHERS: Final = 1024
"""How many are kept at most beside those of an account's own principals: a question to everybody empties nothing."""


def principal_facts(account: Account, principal: Principal) -> PrincipalFacts:
    """The facts of a principal, kept as long as the same object is used."""
    kept = account.memo.get("principal facts")
    if kept is None:
        kept = account.memo.setdefault("principal facts", {})
        # What the engine remembers of them would outlive the account: each draft makes one.
        finalize(account, _forget, kept).atexit = False
    found = kept.get(id(principal))
    if found is None or found.principal is not principal:
        # Outsiders are made anew by each report that looks for them.
        if len(kept) >= len(account.users) + len(account.roles) + _FACTS_OF_OTHERS:
            kept.clear()
        # The facts hold the principal, so its id cannot be reused while it is a key here.
        found = kept[id(principal)] = _facts_of(account, principal)
    assert isinstance(found, PrincipalFacts)
    return found


def _forget(kept: dict[int, PrincipalFacts]) -> None:
    for facts in tuple(kept.values()):
        forget_policies(facts.policies.identity, PolicyType.IDENTITY)
        forget_policies(facts.policies.boundaries, PolicyType.BOUNDARY)


def _facts_of(account: Account, principal: Principal) -> PrincipalFacts:
    policies = principal_policies(account, principal)
    entity = entity_behind(account, principal)
    tags_of = ""
    if entity is not None and entity.tags and principal.kind is not PrincipalKind.USER:
        is_settled = isinstance(entity, Role) and has_no_session_tags(entity)
        tags_of = "" if is_settled else entity.name
    known = principal_context(account, principal)
    return PrincipalFacts(
        principal,
        policies,
        known,
        (principal.account, partition_of(principal)),
        tags_of,
        bool(tags_of) and reads_principal_tags(account, (*policies.identity, *policies.boundaries)),
        caller_facts(principal, lasting=True),
    )


_ONLY_FROM_SERVICES: Final = ("aws:SourceArn", "aws:SourceAccount", "aws:SourceOrgID", "aws:SourceOrgPaths")
"""Keys that only a direct call by a service principal carries."""


_UNKNOWN_TO_AWS: Final = (PrincipalKind.IDENTITY_PROVIDER, PrincipalKind.CANONICAL_USER)
"""Callers without credentials of AWS, or of whom it is not known what they are."""
_SESSIONS: Final = (PrincipalKind.ROLE, PrincipalKind.ROLE_SESSION, PrincipalKind.FEDERATED_USER)
_WITHOUT_SESSION: Final = (PrincipalKind.SERVICE, PrincipalKind.ANONYMOUS, PrincipalKind.IDENTITY_PROVIDER)

_ONLY_TEMPORARY: Final = ("aws:TokenIssueTime", "aws:MultiFactorAuthPresent", "aws:MultiFactorAuthAge")

_ONLY_OF_AN_ACCOUNT: Final = (
    *_ONLY_TEMPORARY,
    "aws:PrincipalOrgID",
    "aws:PrincipalOrgPaths",
    "aws:PrincipalTag/*",
    "aws:SourceIdentity",
    "aws:FederatedProvider",
)
"""Keys that callers without an account (services, anonymous) never carry."""


def principal_context(account: Account, principal: Principal) -> KnownContext:
    """Context keys that follow from the caller (IAM User Guide: global condition context keys)."""
    values: dict[str, KeyValue] = {}
    absent: tuple[str, ...] = ()
    kind = principal.kind
    if kind not in _UNKNOWN_TO_AWS:
        values["aws:userid"] = ("anonymous",) if kind is PrincipalKind.ANONYMOUS else KeyState.PRESENT
    if kind not in _SESSIONS:
        values["aws:tokenissuetime"] = _time_of_issue(principal)
    if kind is not PrincipalKind.SERVICE:
        absent += _ONLY_FROM_SERVICES
    if kind in (PrincipalKind.SERVICE, PrincipalKind.ANONYMOUS):
        absent += _ONLY_OF_AN_ACCOUNT
    if principal.credentials == "long_term":
        absent += _ONLY_TEMPORARY
    entity = entity_behind(account, principal)
    if entity is not None:
        for tag, value in entity.tags:
            values[intern(f"aws:PrincipalTag/{tag}".lower())] = (value,)
        if kind is PrincipalKind.USER:
            # A role or federated session may carry session tags besides; a user has only its own.
            absent += (
                ("aws:SourceIdentity",) if tags_are_unread(entity) else ("aws:PrincipalTag/*", "aws:SourceIdentity")
            )
        elif isinstance(entity, Role):
            of_sessions = context_of_sessions(entity)
            values |= of_sessions.values
            absent += of_sessions.absent
        user_id = _user_id(principal, entity)
        if user_id is not None:
            values["aws:userid"] = user_id
    elif kind is PrincipalKind.ROOT and principal.account:
        values["aws:userid"] = (principal.account,)
        absent += ("aws:PrincipalTag/*",)
    if principal.account == account.id:
        organization = account.memo.get("context of own principals")
        if organization is None:
            organization = account.memo["context of own principals"] = organization_context(account, "aws:Principal")
        assert isinstance(organization, KnownContext)
        values.update(organization.values)
        absent += organization.absent
    return KnownContext(values, absent)


def _time_of_issue(principal: Principal) -> KeyValue:
    """Known value of aws:TokenIssueTime where the caller need not be a session."""
    if principal.kind in _WITHOUT_SESSION or principal.credentials == "long_term":
        return ()
    return KeyState.PRESENT if principal.credentials == "temporary" else KeyState.UNKNOWN


def _user_id(principal: Principal, entity: User | Role) -> KeyValue | None:
    if principal.kind is PrincipalKind.FEDERATED_USER:
        return (f"{principal.account}:{principal.session_name}",)
    if not entity.id:
        return None
    if principal.kind is PrincipalKind.ROLE:
        return Beginning(f"{entity.id}:")
    return (entity.id if principal.kind is PrincipalKind.USER else f"{entity.id}:{principal.session_name}",)


def members_with_policy(account: Account, prepared: PreparedAction) -> tuple[tuple[str, frozenset[str], str], ...]:
    """The known resources: by what each lets in whom, and its own name where it may trust itself."""
    kind = "keys" if prepared.key else "roles"
    found = account.memo.get((kind, "whom each lets in"))
    if found is None:
        found = account.memo[kind, "whom each lets in"] = tuple(
            (arn, frozenset(_keys_in(document)), own) for arn, own, document in _policies(account, kind)
        )
    assert isinstance(found, tuple)
    return found


def policies_of_members(account: Account, prepared: PreparedAction) -> tuple[NamedPolicy, ...]:
    """The policies of the known resources that sets of an action's resources may have."""
    kind = "keys" if prepared.key else "roles"
    return tuple(NamedPolicy(arn, document) for arn, _, document in _policies(account, kind))


def may_be_known_by_name(account: Account, prepared: PreparedAction, principal: Principal) -> bool:
    """True if the policy of a known resource may name a principal, or everyone."""
    trusting = _trusting(account, prepared)
    names = (principal.arn.rsplit("/", 1)[-1], principal.unique_id, principal.role_name)
    return any(name in trusting for name in names if name)


def lets_everyone_in(account: Account, prepared: PreparedAction) -> bool:
    """True if the policy of a known resource may admit everyone."""
    return EVERYONE in _trusting(account, prepared)


def known_members(
    account: Account,
    question: Question,
    prepared: PreparedAction,
    aliases: KnownAliases | None,
    single: Callable[[str], tuple[Request, PoliciesInForce, PreparedRequest]],
) -> KnownMembers:
    """Known members of a set of resources, from the account.

    Args:
        aliases: the known ones where the set is one of aliases, or None.
        single: as there.
    """
    kind = {"kms": "keys", "sts": "roles"}.get(prepared.action.service)
    gaps = account.unlisted
    return KnownMembers(
        {} if kind is None else _by_whom(account, kind),
        # It knows its roles, and no other account's.
        None if Layer.RESOURCE in question.layers_off else account.id,
        None if aliases is None else aliases.arns,
        aliases is not None and aliases.are_all,
        MissingPolicy("trust policies of roles that were not read", gaps[0].permission, gaps[0].error)
        if gaps
        else None,
        single,
    )


def _trusting(account: Account, prepared: PreparedAction) -> dict[str, list[str]]:
    return _by_whom(account, "keys" if prepared.key else "roles")


def _by_whom(account: Account, kind: str) -> dict[str, list[str]]:
    """The roles, or keys, by whom the Allows of their policies name."""
    found = account.memo.get((kind, "by whom they let in"))
    if found is None:
        found = account.memo[kind, "by whom they let in"] = _by_whom_they_let_in(_policies(account, kind))
    assert isinstance(found, dict)
    return found


def _policies(account: Account, kind: str) -> Iterator[tuple[str, str, PolicyDocument]]:
    """The ARN of each role, or key, its name where it may trust itself, and its policy."""
    if kind == "roles":
        for role in account.roles:
            # A role of old may trust itself without saying so.
            yield role.arn, role.name, role.trust
        return
    for arn in keys_with_policy(account):
        document = account.resource_policies[arn].document
        if document is not None:
            yield arn, EVERYONE if document.error else "", document


def _by_whom_they_let_in(policies: Iterable[tuple[str, str, PolicyDocument]]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for arn, own, document in policies:
        for key in sorted({*_keys_in(document), *((own,) if own else ())}):
            found.setdefault(key, []).append(arn)
    return found


def _keys_in(document: PolicyDocument) -> Iterator[str]:
    """Lookup keys of the principals that the Allows of a policy name."""
    if document.error:
        yield EVERYONE
        return
    for statement in document.policy.statements:
        yield from _named_by(statement)


def _named_by(statement: Statement) -> Iterator[str]:
    if statement.effect == "Allow":
        if statement.not_principals is not None:
            yield EVERYONE
        for entry in statement.principals or ():
            yield entry.value if is_account_id(entry.value) else lookup_key(entry.value)
