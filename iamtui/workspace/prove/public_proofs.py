"""Proofs that nobody outside the account, or its organization, can use a resource or assume a role by its policy."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property, lru_cache, partial
from typing import Any, Final, NamedTuple

from msgspec import structs

from iamtui.account.model import Missing, Organization, Role
from iamtui.catalog.actions import catalogue
from iamtui.engine.decision import Decision, Outcome
from iamtui.engine.evaluator import asked_by, evaluate
from iamtui.engine.possible_requests import Occasion, Values
from iamtui.engine.request import (
    MissingPolicy,
    Mode,
    NamedPolicy,
    NotEvaluated,
    PoliciesInForce,
    PolicyInForce,
    PolicyWithUnread,
    Principal,
    PrincipalKind,
)
from iamtui.engine.service_rules import granted_by_acl
from iamtui.policy.context import known_values
from iamtui.policy.document import Policy, PolicyDocument, Statement
from iamtui.policy.patterns import Glob, Token, Wild, is_account_id, is_pattern, parse_arn, parse_pieces, tokens_of
from iamtui.policy.resource import ResourceKind, may_have_policy, resource_policy_arn
from iamtui.policy.statement import ActionElement, CompiledStatement, action_name, compile_policy
from iamtui.policy.types import DEFAULT_LANGUAGE_OPTIONS, PolicyType
from iamtui.problem import Problem
from iamtui.proofs.caller_classes import (
    CallerClass,
    Inside,
    OutsideCallers,
    canonical_users_that_matter,
    whose_canonical_user,
)
from iamtui.proofs.contexts import Carried, Doubt, always_carried, doubt_about
from iamtui.proofs.documents import find_broader
from iamtui.proofs.requests import ActionClass, Example, Situation, action_classes, find_request
from iamtui.proofs.texts import STEPS, Bounds, Unproved
from iamtui.questions.policies_in_force import loaded_policy
from iamtui.questions.question import Question
from iamtui.text import safe_text
from iamtui.workspace.ask.proof_result import Counterexample, NothingNamed, Proof, ProofStatus
from iamtui.workspace.ask.questions import check_resource, evaluator_of
from iamtui.workspace.ask.saved_questions import NotPublicRecord
from iamtui.workspace.prove.proofs import (
    LIKELY,
    MOST_PAIRS,
    NOT_CONFIRMED,
    WITHOUT_NAME,
    below,
    changed_policies,
    domain_of,
)
from iamtui.workspace.source.principals import why_more
from iamtui.workspace.source.workspace import Workspace

MOST_RESOURCES: Final = 1_000
ASSUMED: Final = "the caller's own account lets it"
"""The name of a policy that is taken for granted."""
_ALLOWS_ALL: Final = NamedPolicy(
    ASSUMED,
    PolicyDocument.of({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}),
)
_HOST_OR_ID: Final = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)+|[0-9a-f]{64}|A[A-Z0-9]{15,127}")
"""The host of an identity provider, a canonical user or a unique id."""
_DENIED: Final = (Outcome.IMPLICIT_DENY, Outcome.EXPLICIT_DENY)
_SPEAKS_OF_OTHERS: Final = ("backup", "codeartifact", "events", "glue")
"""Services whose policies, of a vault, a repository, an event bus and a catalog, speak of resources with other ARNs."""
_OF_ORGANIZATIONS: Final = ("aws:principalorgid", "aws:principalorgpaths")


class _Closed(NamedTuple):
    """Outsiders to whom a resource should be closed.

    Args:
        organization: the one of the account, where its members do not count; else None.
        policy_alone: whether only what policies say counts, and not what may be granted beside them.
        members: other accounts that are known to be of the organization of the account.
    """

    inside: Inside
    organization: Organization | None
    policy_alone: bool
    steps: int
    bounds: Bounds
    members: frozenset[str] = frozenset()


def prove_not_public(
    workspace: Workspace,
    resources: Sequence[str],
    *,
    organization: bool = False,
    excepted: Sequence[str] = (),
    policy_alone: bool = False,
    steps: int = STEPS,
    members: frozenset[str] = frozenset(),
) -> dict[str, Proof]:
    """Proofs that nobody outside the account can use resources by their policies, or assume roles by theirs.

    Whoever calls is taken to be allowed by its own account. AWS services, with their service-linked roles, are not
    counted.

    Args:
        resources: ARNs of roles and of what can have a policy, or patterns of those that are known.
        organization: whether the other accounts of the organization count as inside; where it is in none, or that is
            not known, a proof is one for everybody outside the account.
        excepted: accounts, ARNs, providers and canonical users that may.
        policy_alone: whether to leave out what may be granted beside policies: S3 ACLs, grants on KMS keys.
        steps: how much work a class of callers and a class of actions may take.
        members: accounts that are taken to be of the account's organization.

    Returns:
        What came of each resource.

    Raises:
        Problem: what is named is not a resource that can have a policy, or is not of this account.
    """
    found = _resources(workspace, resources)
    account = workspace.account
    proofs: dict[str, Proof] = {}
    for pattern in filter(is_pattern, resources):
        if reasons := why_more(account, pattern):
            proofs[pattern] = Proof(ProofStatus.NOT_PROVED, None, reasons)
    fact = account.organization
    own = fact.value_or(None) if organization else None
    members = _members(workspace) | (members - {account.id} if fact.value_or(None) is not None else frozenset())
    inside = _inside(workspace, members if own else frozenset(), excepted)
    closed = _Closed(inside, own, policy_alone, steps, Bounds(math.inf), members)
    left = MOST_PAIRS
    for arn in found:
        proof = proofs[arn] = _Resource(workspace, arn, closed).prove(left)
        left -= proof.classes
        if organization and isinstance(fact, Missing) and proof.status is ProofStatus.COUNTEREXAMPLE:
            # Who was shown may be of the organization.
            proofs[arn] = Proof(ProofStatus.NOT_PROVED, None, {f"its organization: {fact.reason}": 1})
    return proofs


def prove_closed(
    workspace: Workspace, asked: NotPublicRecord, members: frozenset[str] = frozenset()
) -> dict[str, Proof]:
    """Results of a saved proof that resources are not public, by resource; see `prove_not_public`."""
    return prove_not_public(
        workspace, asked.resources, organization=asked.outside == "organization", excepted=asked.excepted,
        policy_alone=asked.policy_alone, members=members,
    )  # fmt: skip


def newly_let_in(before: Workspace, after: Workspace, arn: str, bounds: Bounds) -> Counterexample | tuple[str, ...]:
    """A request newly allowed to outsiders and AWS services by a change of a resource's or role's policy.

    Returns:
        A request that was not allowed before; else what stands in the way of a proof that there is none, or nothing.
    """
    nobody = _Closed(Inside(frozenset((after.account.id,))), None, policy_alone=True, steps=STEPS, bounds=bounds)
    now, then = _Resource(after, arn, nobody), _Resource(before, arn, nobody)
    whose = tuple(whose_canonical_user(id_) for id_ in canonical_users_that_matter(now.policies, then.policies))
    if now.is_no_broader_than(then, bounds):
        return whose
    shown = safe_text(arn, limit=200)
    if now.says(_is_about_federated_users) != then.says(_is_about_federated_users):
        whose += (f"whether federated users of the account can do more with {shown}",)
    if now.grants_nothing:
        return whose
    proof = now.prove(MOST_PAIRS)
    found = proof.counterexample
    if found is not None:
        example = Example(found.resource, dict(found.context))
        # What the example says nothing of may have had any value before.
        if then.answer(found.principal, found.action, example, Mode.DISCOVER).outcome in _DENIED:
            return found
        return (f"whether others from outside the account can do more with {shown}",)
    if proof.reasons:
        return tuple(
            f"whether others from outside the account can do more with {shown} ({one})" for one in proof.reasons
        )
    if now.says(_is_about_services) != then.says(_is_about_services):
        return (f"whether AWS services can do more with {shown}",)
    return whose


def _is_about_services(one: Statement) -> bool:
    named = (entry.kind == "Service" or entry.value == "*" for entry in one.principals or ())
    return one.not_principals is not None or any(named)


def _is_about_federated_users(one: Statement) -> bool:
    """True where a statement treats federated users otherwise than the user whose policies they have."""
    named = (entry.value for entry in (*(one.principals or ()), *(one.not_principals or ())))
    texts = (*named, *(value for line in one.conditions for value in line.values))
    return any("federated" in text.lower() for text in texts)


def _resources(workspace: Workspace, given: Sequence[str]) -> list[str]:
    account = workspace.account
    known = [*(role.arn for role in account.roles), *account.resource_policies]
    found: dict[str, None] = {}
    for text in given:
        check_resource(text)
        if is_pattern(text):
            glob = Glob(tokens_of(parse_pieces(text, variables=False)))
            some = [arn for arn in known if glob.matches(arn)]
            if not (some or why_more(account, text)):
                carrier = resource_policy_arn(text)
                raise NothingNamed(
                    f"No role and no resource whose policy is known matches {safe_text(text, limit=512)}.",
                    f"Give the ARN of what has the policy: {safe_text(carrier, limit=512)}."
                    if carrier in account.resource_policies
                    else "Give an ARN, or a pattern of those that are known.",
                )
            found.update(dict.fromkeys(some))
            continue
        arn = parse_arn(text)
        assert arn is not None, "it was checked"
        is_role = arn.service == "iam" and arn.resource_type == "role"
        if is_account_id(arn.account) and arn.account != account.id:
            raise NothingNamed(
                f"{safe_text(text, limit=512)} is a resource of account {arn.account}; account {account.id} is open.",
                "Open the account that owns it.",
            )
        if is_role and account.by_arn(text) is None and not account.lacks_principals:
            raise NothingNamed(f"No role of this account is {safe_text(text, limit=512)}.", "See `iamtui list roles`.")
        if not is_role and text not in account.resource_policies and not may_have_policy(arn):
            raise Problem(
                f"{safe_text(text, limit=512)} is not a role, and not a resource that can have a policy.",
                "Give the ARN of a role, a bucket, a queue, a key.",
            )
        found[text] = None
    if len(found) > MOST_RESOURCES:
        raise Problem(f"{len(found):,} resources are more than {MOST_RESOURCES:,}.", "Give a narrower pattern.")
    return list(found)


def _members(workspace: Workspace) -> frozenset[str]:
    """Other accounts that are known to be of the account's organization."""
    own = workspace.account.organization.value_or(None)
    if own is None:
        return frozenset()
    accounts = {own.management_account}
    for delegates in (own.delegated_administrators or {}).values():
        accounts.update(delegates)
    for account in workspace.others.values():
        other = account.organization.value_or(None)
        if other is not None and other.id == own.id:
            accounts.add(account.id)
    return frozenset(accounts) - {workspace.account.id}


def _inside(workspace: Workspace, members: frozenset[str], excepted: Sequence[str]) -> Inside:
    accounts = {workspace.account.id, *members}
    names: set[str] = set()
    for text in excepted:
        arn = parse_arn(text)
        if is_account_id(text):
            accounts.add(text)
        elif arn is not None and arn.resource == "root" and is_account_id(arn.account):
            accounts.add(arn.account)
        elif (arn is not None or _HOST_OR_ID.fullmatch(text)) and safe_text(text, limit=None) == text:
            names.add(text)
        else:
            raise Problem(
                f"{safe_text(text, limit=512)} is not an account, an ARN, a provider or a canonical user.",
                "Give 12 digits, or the name as the policy has it.",
            )
    return Inside(frozenset(accounts), frozenset(names))


class _Resource:
    def __init__(self, workspace: Workspace, arn: str, closed: _Closed) -> None:
        self._members = closed.members or _members(workspace)
        # What is known of somebody of another account holds for nobody else of it.
        self._workspace, self._account = replace(workspace, beside=()), workspace.account
        self._others = workspace.others
        self._arn = arn
        self._closed = closed
        parsed = parse_arn(arn)
        assert parsed is not None, "it was checked"
        self._service = parsed.service
        self._is_role = parsed.service == "iam"
        self._carrier = arn if self._is_role else resource_policy_arn(arn, parsed)
        self._policy: PolicyInForce | NotEvaluated | None
        if not self._is_role:
            self._policy = loaded_policy(self._account, self._carrier)
        elif isinstance(role := self._account.by_arn(self._arn), Role):
            self._policy = NamedPolicy(f"trust policy of {role.name}", role.trust)
        else:
            self._policy = NotEvaluated("the role is not loaded", "iam:GetRole")

    @property
    def _document(self) -> PolicyDocument | None:
        """Its policy, one that says nothing where it has none; None where that is not known."""
        if self._policy is None or (self._is_role and self._account.by_arn(self._arn) is None):
            return PolicyDocument.of({"Version": "2012-10-17", "Statement": []})
        is_known = isinstance(self._policy, NamedPolicy) and not isinstance(self._policy, PolicyWithUnread)
        return self._policy.document if is_known and isinstance(self._policy, NamedPolicy) else None

    @property
    def policies(self) -> list[Policy]:
        """Its policy, where that is known and can be read."""
        document = self._document
        return [document.policy] if document is not None and document.error is None else []

    def is_no_broader_than(self, other: _Resource, bounds: Bounds) -> bool:
        """True where its policy provably allows nothing that another does not, for any caller."""
        one, two = self._document, other._document
        if one is None or two is None or one.error is not None or two.error is not None:
            return False
        type_ = PolicyType.TRUST if self._is_role else PolicyType.RESOURCE
        return find_broader(one, two, bounds, policy_type=type_).proved

    @property
    def grants_nothing(self) -> bool:
        """True where its policy is known, and allows nobody anything."""
        return bool(self.policies) and not any(one.effect == "Allow" for one in self.policies[0].statements)

    def says(self, is_about: Callable[[Statement], bool]) -> frozenset[object]:
        """Statements about some callers, without their index and Sid."""
        own = (one.statement for one in self._own_statements)
        return frozenset(structs.replace(one, index=0, sid=None) for one in own if is_about(one))

    def prove(self, most: int) -> Proof:
        policy = self._policy
        shown = safe_text(self._carrier, limit=200)
        if isinstance(policy, (NotEvaluated, MissingPolicy)):
            return Proof(ProofStatus.NOT_PROVED, None, {f"the policy of {shown}: {policy.reason}": 1})
        if policy is not None and policy.document.error is not None:
            return Proof(ProofStatus.NOT_PROVED, None, {f"the policy of {shown} cannot be read": 1})
        reasons: dict[str, int] = {}
        callers = classes = names = 0
        policies, bounds = [one.policy for one in self._documents()], self._closed.bounds.part(self._closed.steps)
        own_ids = frozenset(self._own_ids)
        outside = OutsideCallers(policies, self._account.partition, self._closed.inside, own_ids, bounds)
        try:
            letting_in = [one.statement for one in self._own_statements if one.allows]
            groups = list(outside.classes() if self._may_name_others else outside.named_in(letting_in))
            actions = list(self._actions())
        except Unproved as unproved:
            return Proof(ProofStatus.NOT_PROVED, None, {f"callers of {shown}: {unproved.reason}": 1})
        for caller in groups:
            callers += 1
            for some in actions:
                if reasons and not self._is_allowed_of(some):
                    # What is granted beside policies is of one kind for each service.
                    continue
                classes += 1
                if classes > most:
                    reasons[f"there are more than {MOST_PAIRS} pairs of a class of callers and one of actions"] = 1
                    return Proof(ProofStatus.NOT_PROVED, None, reasons, callers, classes, names)
                found = self._about(caller, some)
                if isinstance(found, Counterexample):
                    # What is not read may deny the example, or let somebody in more plainly.
                    unread = {f"not loaded: {policy.beside}": 1} if isinstance(policy, PolicyWithUnread) else {}
                    services = tuple(self._services())
                    return Proof(ProofStatus.COUNTEREXAMPLE, found, unread, callers, classes, names, services)
                for reason in found:
                    reasons[reason] = reasons.get(reason, 0) + 1
        names = sum(len(one.names) for one in actions)
        for doubt in (*outside.doubts(), *self._short_resources(), *self._unnamed_providers()):
            reasons[doubt] = reasons.get(doubt, 0) + 1
        status = ProofStatus.NOT_PROVED if reasons else ProofStatus.PROVED
        return Proof(status, None, reasons, callers, classes, names, tuple(self._services()))

    @property
    def _may_name_others(self) -> bool:
        """True where more than the policy that is read may let somebody in: grants beside it, or another policy."""
        is_alone = self._service not in ("s3", "kms") or self._closed.policy_alone
        return not is_alone or isinstance(self._policy, PolicyWithUnread)

    def _short_resources(self) -> Iterator[str]:
        """Resource entries that are no ARNs, which some services read in ways of their own."""
        for one in self._own_statements if not self._is_role else ():
            for entry in (*(one.statement.resources or ()), *(one.statement.not_resources or ())):
                if one.allows and not entry.startswith(("arn:", "*", "?")):
                    yield f"what {safe_text(entry, limit=200)} is in a Resource"

    def _unnamed_providers(self) -> Iterator[str]:
        """Doubt about identity providers, where a trust policy names `*`: AWS leaves open whether it includes them."""
        calls = [action_name(name) for name in ("sts:AssumeRoleWithWebIdentity", "sts:AssumeRoleWithSAML")]
        for one in self._own_statements if self._is_role else ():
            is_anybody = any(entry.bare for entry in one.statement.principals or ()) or one.statement.not_principals
            if one.allows and is_anybody and any(one.action.matches(call) for call in calls):
                yield "whether the * of a trust policy means those for whom an identity provider vouches"

    def _documents(self) -> list[PolicyDocument]:
        """Documents that may name callers: the policy, and the RCPs."""
        rcps = [one.document for level in self._account.organization_levels for one in level.rcps.value_or(())]
        own = [self._policy.document] if isinstance(self._policy, NamedPolicy) else []
        return [document for document in (*own, *rcps) if document.error is None]

    def _services(self) -> Iterator[str]:
        """The AWS services that the policy lets in, as it names them."""
        if not isinstance(self._policy, NamedPolicy):
            return
        for statement in self._policy.document.policy.statements:
            for entry in (statement.principals or ()) if statement.effect == "Allow" else ():
                if entry.kind == "Service" or (entry.value == "*" and (entry.bare or not self._is_role)):
                    yield entry.value

    def _actions(self) -> Iterator[ActionClass]:
        type_ = PolicyType.TRUST if self._is_role else PolicyType.RESOURCE
        elements: dict[ActionElement, None] = {}
        for document in self._documents():
            elements.update(dict.fromkeys(compile_policy(document, type_, DEFAULT_LANGUAGE_OPTIONS).actions))
        patterns = ("sts:AssumeRole*",) if self._is_role else (f"{one}:*" for one in _services_of(self._service))
        for pattern in patterns:
            yield from filter(self._may_be_granted, action_classes((pattern,), list(elements)))

    def _may_be_granted(self, some: ActionClass) -> bool:
        """True where an Allow of the policy is about the action, or something beside policies may grant it."""
        action = action_name(some.action)
        is_beside = granted_by_acl(action) or action.service == "kms"
        return (is_beside and not self._closed.policy_alone) or self._is_allowed_of(some)

    def _is_allowed_of(self, some: ActionClass) -> bool:
        """True where an Allow of the policy, or of one beside it that is not read, may be about the action."""
        action = action_name(some.action)
        return isinstance(self._policy, PolicyWithUnread) or any(
            one.allows and one.action.matches(action) for one in self._own_statements
        )

    @cached_property
    def _own_statements(self) -> tuple[CompiledStatement, ...]:
        if not isinstance(self._policy, NamedPolicy) or self._policy.document.error is not None:
            return ()
        type_ = PolicyType.TRUST if self._is_role else PolicyType.RESOURCE
        return compile_policy(self._policy.document, type_, DEFAULT_LANGUAGE_OPTIONS).statements

    # One class of callers and one of actions.

    def _about(self, caller: CallerClass, some: ActionClass) -> Counterexample | tuple[str, ...]:
        try:
            situation = self._situation(caller, some.action)
            bounds = self._closed.bounds.part(self._closed.steps)
            found = find_request(situation, bounds) if situation is not None else None
        except Unproved as unproved:
            return (unproved.reason,)
        if found is None:
            return ()
        if isinstance(found, Doubt):
            return found.reasons
        decision = self.answer(caller.principal, some.action, found)
        if decision.outcome is not Outcome.ALLOWED:
            return (NOT_CONFIRMED,)
        confirmed = Counterexample(
            caller.principal, some.action, found.resource, found.context, decision, self._account.id
        )
        if not some.names and not catalogue().knows(some.action):
            return (WITHOUT_NAME,)
        doubt = self._doubt_about_caller(caller)
        return (doubt,) if doubt else confirmed

    def _doubt_about_caller(self, caller: CallerClass) -> str:
        """Why it is not certain that a caller is one from outside."""
        principal = caller.principal
        if principal.kind is PrincipalKind.CANONICAL_USER:
            return whose_canonical_user(principal.arn)
        if self._closed.organization is not None and caller.is_of_named_account:
            known = self._others.get(principal.account or "")
            if known is None or isinstance(known.organization, Missing):
                return f"whether account {principal.account} belongs to the organization"
        return ""

    def _situation(self, caller: CallerClass, action: str) -> Situation | None:
        """The requests of a caller about the resource, and what is below it; None where the action is about neither."""
        principal = caller.principal
        question = Question(action, "*", mode=Mode.RAW, resource_account=self._account.id)
        request, policies = evaluator_of(self._workspace, question).request_and_policies(principal)
        prepared = asked_by(request).prepared
        if prepared.refused is not None or prepared.resource.kind is not ResourceKind.SET:
            return None
        members, within, never = domain_of(prepared)
        under = self._under
        if not any(members.shares(Glob(tokens)) for tokens in under):
            return None
        values: dict[str, Values] = {}
        for known in reversed((*request.derived, self._of_caller(principal))):
            values.update(known_values(known))
        likely = {**LIKELY, "aws:requestedregion": (self._region,)}
        carried = Carried(
            likely,
            partial(self._doubt, caller, action, likely),
            Occasion(principal.kind, partition=self._account.partition),
            always_carried(principal.kind),
            self._never,
        )
        return Situation(
            structs.replace(request, mode=Mode.DISCOVER, derived=(values,), assumptions=(), notes=()),
            self._let_by_own_account(principal, policies, resource=self._policy, restrict_public_buckets=self._block),
            (*within, under),
            never,
            carried,
            self._region,
            by_policies=self._closed.policy_alone,
        )

    def _of_caller(self, principal: Principal) -> Mapping[str, Values]:
        """Known keys of a caller from outside."""
        known: dict[str, Values] = {"kms:calleraccount": (principal.account,)} if principal.account else {}
        organization = self._account.organization.value_or(None)
        if principal.account in self._members and organization is not None:
            known["aws:principalorgid"] = (organization.id,)
        return known

    @property
    def _own_ids(self) -> list[str]:
        return [entity.id for entity in self._account.principals if entity.id]

    @cached_property
    def _under(self) -> tuple[tuple[Token, ...], ...]:
        """The resources that are looked at: the one that is named, and all that its policy may speak of."""
        if self._arn != self._carrier:
            return ((*self._arn,),)
        if self._service in _SPEAKS_OF_OTHERS:
            return ((*self._arn.rsplit(":", self._arn.count(":") - 4)[0], ":", Wild.STAR),)
        return below(self._arn)

    @property
    def _region(self) -> str:
        return self._workspace.source.region or "us-east-1"

    @property
    def _block(self) -> bool | NotEvaluated:
        """Public access block of the bucket."""
        if self._service != "s3":
            return False
        found = self._account.public_access_blocks.get(self._carrier.rsplit(":", 1)[-1])
        if found is None:
            return NotEvaluated("the bucket's public access block is not loaded")
        return found.restrict_public_buckets

    @cached_property
    def _never(self) -> Mapping[str, tuple[tuple[Token, ...], ...]]:
        """Values of keys that only callers from inside have."""
        account = self._account
        raw = [document.raw for document in self._documents()]
        ids = [id_ for id_ in self._own_ids if any(id_ in text for text in raw)]
        texts = [pattern for id_ in (account.id, *ids) for pattern in ((*id_,), (*id_, ":", Wild.STAR))]
        never: dict[str, tuple[tuple[Token, ...], ...]] = {"aws:userid": tuple(texts)}
        if self._closed.organization is not None:
            id_ = self._closed.organization.id
            never["aws:principalorgid"] = (tuple(id_),)
            never["aws:principalorgpaths"] = ((*id_, "/", Wild.STAR),)
        return never

    def _let_by_own_account(self, principal: Principal, policies: PoliciesInForce, **changes: Any) -> PoliciesInForce:
        """The policies in force where the caller's own account lets it do everything."""
        session = (_ALLOWS_ALL,) if principal.kind is PrincipalKind.FEDERATED_USER else ()
        return changed_policies(policies, identity=(_ALLOWS_ALL,), boundaries=(), session=session, scps=(), **changes)

    def _doubt(self, caller: CallerClass, action: str, likely: Mapping[str, Values], key: str, values: Values) -> str:
        principal = caller.principal
        if key in _OF_ORGANIZATIONS and caller.is_of_named_account:
            return f"whether account {principal.account} is in an organization, and in which"
        if principal.kind is PrincipalKind.IDENTITY_PROVIDER:
            host = principal.arn.rpartition("oidc-provider/")[2].lower()
            prefix = "saml:" if ":saml-provider/" in principal.arn else f"{host}:"
            if key.startswith(prefix):
                required = not values and key.rsplit(":", 1)[-1] in ("aud", "sub", "iss")
                return (
                    f"a token of {safe_text(host, limit=100)} without {safe_text(key, limit=100)}" if required else ""
                )
        return doubt_about(principal.kind, action, likely, key, values, own_tags=False)

    def answer(self, principal: Principal, action: str, example: Example, mode: Mode = Mode.STRICT) -> Decision:
        """An example as the evaluator answers it, where the caller's own account lets it."""
        question = Question(action, example.resource, example.context, mode, self._account.id)
        request, policies = evaluator_of(self._workspace, question).request_and_policies(principal)
        request = structs.replace(request, derived=(*request.derived, self._of_caller(principal)))
        return evaluate(request, self._let_by_own_account(principal, policies))


@lru_cache(maxsize=256)
def _services_of(service: str) -> tuple[str, ...]:
    """The services whose actions are about resources with ARNs of a service; the one of that name first."""
    found = [
        one.prefix
        for one in catalogue().services()
        if any(type_.arn.split(":")[2:3] == [service] for type_ in catalogue().resource_types(one.prefix))
    ]
    return tuple(dict.fromkeys((service, *found)))
