"""Proofs about an account: what nobody can ever do, through every layer that is loaded, or a request that can."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Final

from msgspec import structs

from iamtui.account.model import Account, Role
from iamtui.catalog.actions import ENGINE_CATALOGUE, Knowledge, catalogue, knowledge
from iamtui.engine.decision import Outcome
from iamtui.engine.evaluator import asked_by
from iamtui.engine.possible_requests import Occasion, Values
from iamtui.engine.prepared_request import PreparedAction
from iamtui.engine.request import (
    MissingPolicy,
    Mode,
    NamedPolicy,
    NotEvaluated,
    PoliciesInForce,
    PolicyInForce,
    Principal,
    PrincipalKind,
    Request,
)
from iamtui.policy.context import Beginning, known_values
from iamtui.policy.patterns import Glob, Token, Wild, is_account_id, is_pattern, parse_arn, parse_pieces, tokens_of
from iamtui.policy.resource import ResourceKind, ResourceSet, resource_policy_arn
from iamtui.policy.statement import ActionElement, action_name, compile_policy
from iamtui.policy.types import DEFAULT_LANGUAGE_OPTIONS, PolicyType
from iamtui.problem import Problem
from iamtui.proofs.contexts import (
    TAGS_OF_PRINCIPAL,
    Carried,
    Doubt,
    always_carried,
    doubt_about,
    may_have_session_tags,
)
from iamtui.proofs.requests import Example, Situation, action_classes, find_request, without_session_tags
from iamtui.proofs.texts import STEPS, Bounds, Unproved
from iamtui.questions.account_index import principal_of
from iamtui.questions.action_classes import statements_in_force
from iamtui.questions.answers import never_asked, no_action_matches, unknown_action
from iamtui.questions.known_context import GLOBAL_SERVICES
from iamtui.questions.policies_in_force import trust_or_resource_policy
from iamtui.questions.question import Question
from iamtui.resource_policy_services import WITH_RESOURCE_POLICIES
from iamtui.text import safe_text
from iamtui.workspace.ask.policy_reads import names_owner_in_part, owners_named
from iamtui.workspace.ask.proof_result import Counterexample, NothingNamed, Proof, ProofStatus
from iamtui.workspace.ask.questions import check_action, check_resource, evaluator_of
from iamtui.workspace.source.principals import resolve_principal, why_more
from iamtui.workspace.source.workspace import Workspace

MOST_PAIRS: Final = 20_000
_MOST_CARRIERS: Final = 500
_MOST_ACCOUNTS: Final = 16
MOST_REASONS: Final = 20


def all_proofs(proofs: Iterable[Proof]) -> Proof:
    """Combined result of several proofs: the first counterexample, else all gaps."""
    found = list(proofs)
    counts = (
        sum(one.principals for one in found),
        sum(one.classes for one in found),
        sum(one.actions for one in found),
    )
    services = tuple(dict.fromkeys(name for one in found for name in one.services))
    reasons: dict[str, int] = {}
    for one in found:
        _count(reasons, one.reasons)
    example = next((one.counterexample for one in found if one.counterexample is not None), None)
    if example is not None:
        return Proof(ProofStatus.COUNTEREXAMPLE, example, {}, *counts, services)
    return Proof(ProofStatus.NOT_PROVED if reasons else ProofStatus.PROVED, None, reasons, *counts, services)


def _count(reasons: dict[str, int], more: Mapping[str, int]) -> None:
    for reason, count in more.items():
        if reason in reasons or len(reasons) < MOST_REASONS:
            reasons[reason] = reasons.get(reason, 0) + count


# Never: principals, actions, resources.


def prove_never(
    workspace: Workspace,
    who: Sequence[str],
    actions: Sequence[str],
    *,
    resource: str = "*",
    excepted: Sequence[str] = (),
    steps: int = STEPS,
    every: bool = False,
) -> Proof:
    """Proof that no principal can ever do an action, to any resource, in any context.

    Args:
        who: principals as other commands take them, or patterns of `user/NAME` and `role/NAME`; `*` is every user and
            role.
        excepted: those that may, likewise.
        steps: how much work a principal and a class of actions may take.
        every: whether to go on after the first counterexample.

    Raises:
        Problem: nobody is named, or an action or resource is none.
    """
    _check_asked(actions, resource)
    spared = {one.arn for one in _principals(workspace, excepted, actions)} if excepted else set()
    principals = [one for one in _principals(workspace, who, actions) if one.arn not in spared]
    # Of an action that the data lacks it is not known what AWS checks.
    reasons = {
        f"{safe_text(one)} is newer than the action data of {catalogue().date}": 1
        for one in actions
        if knowledge(one) is Knowledge.NEWER
    }
    for pattern in filter(is_pattern, who):
        reasons |= why_more(workspace.account, pattern)
    classes = names = 0
    examples: list[Counterexample] = []
    for principal in principals:
        elements = action_elements(workspace, Question(actions[0], resource, mode=Mode.RAW), principal)
        try:
            for some in action_classes(actions, elements):
                classes += 1
                names += sum(map(catalogue().knows, some.names))
                if classes > MOST_PAIRS:
                    reasons[f"there are more than {MOST_PAIRS} pairs of a principal and a class of actions"] = 1
                    break
                bounds = Bounds(steps)
                found = prove_one(workspace, principal, some.action, resource, bounds, is_guessed=not some.names)
                if not isinstance(found, Counterexample):
                    _count(reasons, dict.fromkeys(found, 1))
                    continue
                examples.append(replace(found, alike=tuple(name for name in some.names if name != some.action)))
                if not every:
                    return Proof(ProofStatus.COUNTEREXAMPLE, found, {}, len(principals), classes, names)
        except Unproved as unproved:
            reasons[unproved.reason] = 1
    if examples:
        examples.sort(key=lambda one: (one.action.lower(), one.principal.arn))
        counts = (len(principals), classes, names)
        return Proof(ProofStatus.COUNTEREXAMPLE, examples[0], reasons, *counts, examples=tuple(examples))
    status = ProofStatus.NOT_PROVED if reasons else ProofStatus.PROVED
    return Proof(status, None, reasons, len(principals), classes, names)


def _check_asked(actions: Sequence[str], resource: str) -> None:
    """Refuse what is not an action or a resource, or no action of which is ever about the resource."""
    for action in actions:
        check_action(action, pattern=True)
        if is_pattern(action) and not catalogue().expand(action):
            raise no_action_matches(action)
        if not is_pattern(action) and knowledge(action) is Knowledge.UNKNOWN:
            raise unknown_action(action)
    check_resource(resource)
    known = [one for action in actions for one in (catalogue().expand(action) if is_pattern(action) else [action])]
    whys = {never_asked(one, resource) for one in known if catalogue().knows(one)}
    if whys and "" not in whys:
        raise Problem(next(iter(sorted(whys))), "A proof would say nothing: name a resource that the action is about.")


def _principals(workspace: Workspace, who: Sequence[str], actions: Sequence[str]) -> list[Principal]:
    found: dict[str, Principal] = {}
    for text in who:
        if not is_pattern(text):
            principal = resolve_principal(workspace, text, actions)
            found[principal.arn] = principal
            continue
        glob = Glob(tokens_of(parse_pieces(text, variables=False)))
        some = [
            entity
            for kind, entities in (("user", workspace.account.users), ("role", workspace.account.roles))
            for entity in entities
            if any(map(glob.matches, (f"{kind}/{entity.name}", f"{kind}{entity.path}{entity.name}", entity.arn)))
            or text == "*"
        ]
        if not (some or why_more(workspace.account, text)):
            raise NothingNamed(
                f"No user and no role matches {safe_text(text, limit=200)}.",
                "Give a pattern such as role/dev-* or user/*, or * for every user and role.",
            )
        found.update({entity.arn: principal_of(workspace.account, entity) for entity in some})
    return list(found.values())


def action_elements(workspace: Workspace, question: Question, principal: Principal) -> list[ActionElement]:
    """The Action and NotAction elements of all statements that may be in force on a principal's requests."""
    policies = evaluator_of(workspace, question).request_and_policies(principal)[1]
    elements = dict.fromkeys(one.element for one in statements_in_force(policies))
    account = workspace.account
    others = [found.document for found in account.resource_policies.values()] + [role.trust for role in account.roles]
    for document in others:
        if document is not None and document.error is None:
            compiled = compile_policy(document, PolicyType.RESOURCE, DEFAULT_LANGUAGE_OPTIONS)
            elements.update(dict.fromkeys(compiled.actions))
    return list(elements)


# One principal and one action.

WITHOUT_NAME: Final = "no known action is allowed, but one of another name, that AWS may add, would be"
NOT_CONFIRMED: Final = "something may be allowed, but no single request is known that is for certain"


def prove_one(
    workspace: Workspace,
    principal: Principal,
    action: str,
    resource: str,
    bounds: Bounds,
    *,
    is_guessed: bool,
    before: tuple[Workspace, Principal] | None = None,
) -> Counterexample | tuple[str, ...]:
    """A request that is allowed, or the obstacles to a proof: nothing where there is one.

    Args:
        is_guessed: whether the action stands for names that AWS may add, of which none is known to exist.
        before: the account before a change, and the principal there: then only what is newly allowed counts.
    """
    if principal.kind is PrincipalKind.FEDERATED_USER:
        return ("what a federated user may do, session policies say that are not known",)
    doubts: dict[str, None] = {}
    try:
        for situation, is_certain in _situations(workspace, principal, action, resource, bounds, before):
            found = find_request(situation, bounds)
            if found is None:
                continue
            if isinstance(found, Doubt) and is_certain and may_have_session_tags(principal.kind, situation.request):
                situation = without_session_tags(situation)
                found = find_request(situation, bounds) or found
            if isinstance(found, Example) and is_certain:
                confirmed = _confirmed(workspace, principal, situation, found, before)
                if confirmed is not None and (catalogue().knows(action) or not is_guessed):
                    return confirmed
                found = Doubt((WITHOUT_NAME if confirmed is not None else NOT_CONFIRMED,))
            reasons = found.reasons if isinstance(found, Doubt) else ("what others own is not loaded",)
            doubts.update(dict.fromkeys(reasons))
    except Unproved as unproved:
        doubts[unproved.reason] = None
    return tuple(doubts)


def _confirmed(
    workspace: Workspace,
    principal: Principal,
    situation: Situation,
    example: Example,
    before: tuple[Workspace, Principal] | None,
) -> Counterexample | None:
    """The example as the evaluator answers it for the account; None where it is not allowed, or was before."""
    request = situation.request
    question = Question(
        request.action,
        example.resource,
        context=example.context,
        mode=Mode.STRICT,
        resource_account=request.resource_account,
    )
    decision = evaluator_of(workspace, question).decide(principal)
    if decision.outcome is not Outcome.ALLOWED:
        return None
    if before is not None and evaluator_of(before[0], question).decide(before[1]).outcome is Outcome.ALLOWED:
        return None
    owner = request.resource_account or ""
    return Counterexample(principal, request.action, example.resource, example.context, decision, owner)


def _situations(
    workspace: Workspace,
    principal: Principal,
    action: str,
    resource: str,
    bounds: Bounds,
    before: tuple[Workspace, Principal] | None,
) -> Iterator[tuple[Situation, bool]]:
    """The kinds of resources that there may be, each with whether all is known of the policies in force on them."""
    if names_owner_in_part(resource):
        raise Unproved("the resource that is asked about has a wildcard within the id of an account")
    question = Question(action, resource, mode=Mode.RAW)
    request, policies = evaluator_of(workspace, question).request_and_policies(principal)
    prepared = asked_by(request).prepared
    if prepared.refused is not None:
        return
    account = workspace.account
    put = _Put(workspace, principal, request, before)
    if prepared.resource.kind is not ResourceKind.SET:
        single = policies.resource
        is_loaded = not isinstance(single, (NotEvaluated, MissingPolicy))
        yield put.situation(policies, single if is_loaded else _unread(single, resource)), True
    else:
        yield from _of_own(put, account, prepared, policies, bounds)
    if ENGINE_CATALOGUE.has_resource_type(action) is None:
        yield put.situation(policies, None, wildcard_only=True), True
    carrier = account.resource_policies.get(resource_policy_arn(resource))
    is_own = _owner_named(resource) is not None or (carrier is not None and carrier.state != "denied")
    if prepared.resource.kind is not ResourceKind.NONE and not is_own:
        yield from _of_others(workspace, principal, question, policies, before)


def _unread(policy: object, what: str) -> MissingPolicy:
    if isinstance(policy, MissingPolicy):
        return policy
    why = policy.reason if isinstance(policy, NotEvaluated) else ""
    return MissingPolicy(f"the policy of {safe_text(what, limit=200)}", reason=why)


class _Put:
    """One action of one principal, of which resources and contexts are left open."""

    def __init__(
        self,
        workspace: Workspace,
        principal: Principal,
        request: Request,
        before: tuple[Workspace, Principal] | None = None,
    ) -> None:
        self._before: tuple[_Put, PoliciesInForce, Account, PreparedAction] | None = None
        if before is not None:
            self._before = _put_before(before, request)
        self._region = workspace.source.region or "us-east-1"
        values: dict[str, Values] = {}
        for known in reversed(request.derived):
            values.update(known_values(known))
        self.only = {
            key: ((*value.text, Wild.NAME_ONE, Wild.NAME_ONE, Wild.NAME_STAR),)
            for known in reversed(request.derived)
            for key, value in known.items()
            if isinstance(value, Beginning)
        }
        likely: dict[str, Values] = {}
        if may_have_session_tags(principal.kind, request):
            # A session tag replaces a tag of the role.
            likely = {key: found for key, found in values.items() if key.startswith(TAGS_OF_PRINCIPAL)}
            values = {key: found for key, found in values.items() if key not in likely}
        if action_name(request.action).service in GLOBAL_SERVICES:
            values["aws:requestedregion"] = ("us-east-1",)
        self.request = structs.replace(request, mode=Mode.DISCOVER, derived=(values,), assumptions=(), notes=())
        likely.update(LIKELY)
        likely.setdefault("aws:requestedregion", (self._region,))
        self.likely = likely
        if self._before is not None:
            then = self._before[0]
            known_then = (then.request.derived, then.likely, then.only, then.request.known_absent)
            if known_then != (self.request.derived, likely, self.only, self.request.known_absent):
                raise Unproved("the tags of the principal change, or what else is known of its requests")
        self._carried = Carried(
            likely,
            partial(doubt_about, principal.kind, request.action, likely),
            Occasion(principal.kind, partition=workspace.account.partition),
            always_carried(principal.kind),
            only=self.only,
        )

    def situation(
        self,
        policies: PoliciesInForce,
        resource: PolicyInForce | NotEvaluated | None,
        *within: tuple[tuple[Token, ...], ...],
        without: tuple[tuple[Token, ...], ...] = (),
        wildcard_only: bool = False,
        carrier: str = "",
    ) -> Situation:
        """The requests about some resources.

        Args:
            resource: the policy that all of them have.
            within, without: which these are.
            carrier: the resource that carries this policy; "" where it is that of none in particular.
        """
        before = None
        if self._before is not None:
            then, policies_then, account, prepared = self._before
            resource_then, is_there = resource, True
            if carrier:
                is_there = not prepared.trust or account.by_arn(carrier) is not None
                found = _policy_of(account, prepared, carrier) if is_there else None
                resource_then = _unread(found, carrier) if isinstance(found, NotEvaluated) else found
            if is_there:
                before = then.situation(policies_then, resource_then, wildcard_only=wildcard_only)
        request = self.request
        if wildcard_only:
            request = structs.replace(request, resource="*", wildcard_only_action=True)
        plain = changed_policies(policies, resource=resource, restrict_public_buckets=False)
        return Situation(request, plain, within, without, self._carried, self._region, before)


def changed_policies(policies: PoliciesInForce, **changes: Any) -> PoliciesInForce:
    """The same policies but for some, of which nothing is remembered; of a set without what is known of its members."""
    in_force = {name: value for name, value in structs.asdict(policies).items() if name != "members"}
    return PoliciesInForce(**{**in_force, **changes, "lasting": False})


def _put_before(
    before: tuple[Workspace, Principal], request: Request
) -> tuple[_Put, PoliciesInForce, Account, PreparedAction]:
    """The same action of a principal before a change."""
    workspace, principal = before
    question = Question(request.action, request.resource, mode=Mode.RAW, resource_account=request.resource_account)
    then, policies = evaluator_of(workspace, question).request_and_policies(principal)
    return _Put(workspace, principal, then), policies, workspace.account, asked_by(then).prepared


def domain_of(
    prepared: PreparedAction,
) -> tuple[ResourceSet, tuple[tuple[tuple[Token, ...], ...], ...], tuple[tuple[Token, ...], ...]]:
    """The resources of a set, the patterns that they match, and those that they do not."""
    members = prepared.resource.whole or prepared.resource.members
    within = tuple(patterns for patterns in (members.patterns, members.forms) if patterns)
    return members, within, tuple(glob.tokens for glob in members.never)


def _of_own(
    put: _Put, account: Account, prepared: PreparedAction, policies: PoliciesInForce, bounds: Bounds
) -> Iterator[tuple[Situation, bool]]:
    """Resources of the account: whatever policy they may have, then those whose policy is loaded, then the others."""
    members, within, never = domain_of(prepared)
    unknown = MissingPolicy(f"the policies of resources of {prepared.action.service}")
    can_have_policy = prepared.facts.takes_resource_policy and _may_have_policies(prepared)
    everything = put.situation(policies, unknown if can_have_policy else None, *within, without=never)
    if not can_have_policy:
        yield everything, True
        return
    # A policy that is taken to be unknown is the same before and after, which that of a resource need not be.
    if everything.before is None and find_request(everything, bounds) is None:
        return
    carriers = _carriers(account, prepared)
    if len(carriers) > _MOST_CARRIERS:
        raise Unproved(f"more than {_MOST_CARRIERS} resources have a policy of their own")
    for carrier in carriers:
        under = below(carrier)
        if any(members.shares(Glob(tokens)) for tokens in under):
            policy = _policy_of(account, prepared, carrier)
            policy = _unread(policy, carrier) if isinstance(policy, NotEvaluated) else policy
            yield put.situation(policies, policy, *within, under, without=never, carrier=carrier), True
    if prepared.trust and not account.lacks_principals:
        return
    # What else has the policy of a carrier follows rules of its service: it is looked at as that, and as another.
    taken = (tokens for carrier in carriers for tokens in below(carrier)[: None if _is_of_s3(carrier) else 1])
    rest = (*never, *taken)
    others = put.situation(policies, unknown, *within, without=rest)
    if find_request(others, bounds) is None:
        return
    if not (prepared.trust or prepared.key):
        # A resource may have no policy.
        yield put.situation(policies, None, *within, without=rest), True
    yield others, False


_BELOW: Final[tuple[tuple[Token, ...], ...]] = ((), ("/", Wild.STAR), (":", Wild.STAR))
"""Resources under a policy: the carrier itself, and ARNs that continue its own (objects, versions, indexes)."""


def below(carrier: str) -> tuple[tuple[Token, ...], ...]:
    return tuple((*carrier, *rest) for rest in _BELOW if not _is_of_s3(carrier) or ":" not in rest)


def _is_of_s3(arn: str) -> bool:
    return arn.split(":")[2] == "s3"


def _may_have_policies(prepared: PreparedAction) -> bool:
    services = {form.service for form in prepared.facts.arn_forms} or {prepared.action.service}
    return prepared.trust or not services.isdisjoint(WITH_RESOURCE_POLICIES)


def _carriers(account: Account, prepared: PreparedAction) -> tuple[str, ...]:
    """The known resources with a policy of their own, or known to have none."""
    if prepared.trust:
        return tuple(role.arn for role in account.roles)
    services = {form.service for form in prepared.facts.arn_forms} or {prepared.action.service}
    arns = ((arn, parse_arn(arn)) for arn in account.resource_policies)
    return tuple(arn for arn, parsed in arns if parsed is not None and parsed.service in services)


def _policy_of(account: Account, prepared: PreparedAction, carrier: str) -> PolicyInForce | NotEvaluated | None:
    if not prepared.trust:
        return trust_or_resource_policy(account, prepared, carrier)
    role = account.by_arn(carrier)
    assert isinstance(role, Role), "only roles are looked through"
    return NamedPolicy(f"trust policy of {role.name}", role.trust)


def _owner_named(resource: str) -> str | None:
    arn = parse_arn(resource)
    return arn.account if arn is not None and is_account_id(arn.account) else None


def _of_others(
    workspace: Workspace,
    principal: Principal,
    question: Question,
    policies: PoliciesInForce,
    before: tuple[Workspace, Principal] | None,
) -> Iterator[tuple[Situation, bool]]:
    """Resources of other accounts, of which nothing is loaded: those that policies name, and one for all others."""
    own = workspace.account.id
    named, in_part = owners_named(one.document for one in _documents(policies))
    named -= {own}
    if len(named) > _MOST_ACCOUNTS:
        raise Unproved(f"policies name more than {_MOST_ACCOUNTS} other accounts")
    if in_part:
        raise Unproved("a policy has a wildcard within the id of an account that owns resources")
    strange = next(str(number) for number in range(444455556666, 444455556666 + 2 * _MOST_ACCOUNTS + 2)
                   if str(number) not in named and str(number) != own)  # fmt: skip
    for owner in (*sorted(named), strange):
        evaluator = evaluator_of(workspace, replace(question, resource_account=owner))
        request, in_force = evaluator.request_and_policies(principal)
        prepared = asked_by(request).prepared
        if prepared.refused is not None or prepared.resource.kind is ResourceKind.NONE:
            continue
        is_set = prepared.resource.kind is ResourceKind.SET
        _, within, never = domain_of(prepared) if is_set else (None, (), ())
        has_policy = prepared.facts.takes_resource_policy and _may_have_policies(prepared)
        unknown = MissingPolicy("the policies of resources in other accounts") if has_policy else None
        put = _Put(workspace, principal, request, before)
        yield put.situation(in_force, unknown, *within, without=never), False


def _documents(policies: PoliciesInForce) -> Iterator[NamedPolicy]:
    levels = [*_or_none(policies.scps), *_or_none(policies.rcps)]
    given = [
        *_or_none(policies.identity),
        *_or_none(policies.boundaries),
        *(one for each in levels for one in each.policies),
    ]
    yield from (policy for policy in given if isinstance(policy, NamedPolicy))


def _or_none(given: tuple[Any, ...] | NotEvaluated) -> tuple[Any, ...]:
    return given if isinstance(given, tuple) else ()


LIKELY: Final[Mapping[str, Values]] = {"aws:securetransport": ("true",), "aws:viaawsservice": ("false",)}
