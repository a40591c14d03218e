"""Saved proofs, and whether a draft makes anything newly possible: for all principals, actions, resources, contexts."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence

from msgspec import structs

from iamtui.account.model import Account, Missing, Role, User
from iamtui.engine.decision import Layer
from iamtui.engine.request import MissingPolicy, Mode, NotEvaluated, PoliciesInForce, Principal, principal_from_text
from iamtui.policy.document import PolicyDocument, Statement
from iamtui.policy.patterns import is_pattern
from iamtui.policy.statement import ActionElement, action_name, compile_policy
from iamtui.policy.types import DEFAULT_LANGUAGE_OPTIONS, PolicyType
from iamtui.problem import Problem
from iamtui.proofs.requests import action_classes, services_named
from iamtui.proofs.texts import STEPS, Bounds, Unproved
from iamtui.questions.account_index import principal_of
from iamtui.questions.action_classes import different_statements
from iamtui.questions.question import Question
from iamtui.workspace.ask.proof_result import Counterexample, Proof, ProofStatus
from iamtui.workspace.ask.questions import evaluator_of
from iamtui.workspace.ask.saved_questions import ProofRecord
from iamtui.workspace.prove.proofs import MOST_PAIRS, action_elements, all_proofs, prove_never, prove_one
from iamtui.workspace.prove.public_proofs import newly_let_in, prove_closed
from iamtui.workspace.source.workspace import Workspace

_ASKED_FOR_POLICIES = Question("iam:GetUser", "*", mode=Mode.RAW)
_STEPS_OF_PRINCIPAL = 1_000
_UNNAMED = ("sns", "sqs", "s3", "iam", "ec2")
"""Services of which the first that no statement names represents all that none names."""


def prove_nothing_new(
    before: Workspace,
    after: Workspace,
    steps: int = STEPS,
    *,
    in_all: float = math.inf,
    stopped: Callable[[], bool] = lambda: False,
) -> Proof:
    """Proof that nobody can do anything new after a change: users, roles and the root user by any policy, others by
    those of resources and roles that change.

    Args:
        steps: how much work a principal and a class of actions may take.
        in_all: how much all of it may.
        stopped: whether nobody wants it any more; asked often.
    """
    within = Bounds(in_all, stopped)
    reasons: dict[str, int] = {}
    principals = classes = names = 0
    of_resources = _changed_of_resources(before.account, after.account)
    if _rcps(before.account) != _rcps(after.account):
        reasons["what others than users and roles can newly do where RCPs change"] = 1
    if after.account.lacks_principals and _shared(before.account) != _shared(after.account):
        reasons["not all users and roles are loaded"] = 1
    for arn in _changed_policies(before.account, after.account):
        try:
            within.spend(_STEPS_OF_PRINCIPAL)
        except Unproved as unproved:
            reasons[unproved.reason] = 1
            break
        let_in = newly_let_in(before, after, arn, within.part(steps))
        if isinstance(let_in, Counterexample):
            return Proof(ProofStatus.COUNTEREXAMPLE, let_in, {}, principals, classes, names)
        for reason in let_in:
            reasons[reason] = reasons.get(reason, 0) + 1
    for principal, then in _callers(before, after):
        try:
            within.spend(_STEPS_OF_PRINCIPAL)
        except Unproved as unproved:
            reasons[unproved.reason] = 1
            break
        principals += 1
        try:
            actions = list(_Changed(before, after, principal, then, of_resources).actions())
        except Unproved as unproved:
            reasons[unproved.reason] = 1
            continue
        for action, known in actions:
            classes += 1
            names += known
            if classes > MOST_PAIRS:
                reasons[f"there are more than {MOST_PAIRS} pairs of a principal and a class of actions"] = 1
                return Proof(ProofStatus.NOT_PROVED, None, reasons, principals, classes, names)
            found = prove_one(after, principal, action, "*", within.part(steps), is_guessed=not known, before=then)
            if isinstance(found, Counterexample):
                return Proof(ProofStatus.COUNTEREXAMPLE, found, {}, principals, classes, names)
            for reason in found:
                reasons[reason] = reasons.get(reason, 0) + 1
    return Proof(ProofStatus.NOT_PROVED if reasons else ProofStatus.PROVED, None, reasons, principals, classes, names)


def prove_saved(workspace: Workspace, before: Workspace | None, asked: ProofRecord) -> tuple[Proof, bool]:
    """Proof of a saved record, and whether it is about all users and roles, or all resources, of a pattern.

    Args:
        before: the account without the draft that is given.

    Raises:
        Problem: it names nothing that is there, or is about a draft where none is given.
    """
    if asked.never is not None:
        one = asked.never
        found = prove_never(workspace, one.principals, one.actions, resource=one.on, excepted=one.excepted)
        return found, any(map(is_pattern, one.principals))
    if asked.not_public is not None:
        proofs = prove_closed(workspace, asked.not_public)
        return all_proofs(proofs.values()), any(map(is_pattern, asked.not_public.resources))
    if before is None:
        raise Problem("It is about a draft, and none is given.", "Give one with --draft FILE.")
    return prove_nothing_new(before, workspace), True


def _callers(before: Workspace, after: Workspace) -> Iterator[tuple[Principal, tuple[Workspace, Principal] | None]]:
    """The users and roles, and the root user, each with what it was before the change."""
    account = after.account
    for entity in account.principals:
        found = before.account.by_arn(entity.arn)
        then = (before, principal_of(before.account, found)) if isinstance(found, (User, Role)) else None
        yield principal_of(account, entity), then
    root = principal_from_text(f"arn:{account.partition}:iam::{account.id}:root")
    yield root, (before, root)


def _rcps(account: Account) -> object:
    fact = account.organization
    return fact if isinstance(fact, Missing) or fact.value is None else [level.rcps for level in fact.value.path]


def _shared(account: Account) -> object:
    """Policies that may be in force on users and roles that are not here."""
    trusts = [(role.arn, role.trust) for role in account.roles]
    return account.groups, account.policies, account.organization, account.resource_policies, trusts


def _changed_policies(before: Account, after: Account) -> Iterator[str]:
    """The ARNs of resources and roles that are there after a change, with a policy that is another one."""
    for arn, found in after.resource_policies.items():
        if before.resource_policies.get(arn) != found:
            yield arn
    for role in after.roles:
        old = before.by_arn(role.arn)
        if not isinstance(old, Role) or old.trust != role.trust:
            yield role.arn


def _changed_of_resources(before: Account, after: Account) -> tuple[ActionElement, ...]:
    """The Action elements of the policies of resources, and roles, that are not the same before and after.

    What a bucket's policy says to the public closes the bucket where public access is blocked, so that all count.
    """
    documents: list[PolicyDocument | None] = []
    for arn in before.resource_policies.keys() | after.resource_policies.keys():
        pair = before.resource_policies.get(arn), after.resource_policies.get(arn)
        if pair[0] != pair[1]:
            documents += [found.document for found in pair if found is not None]
    for role in after.roles:
        old = before.by_arn(role.arn)
        if not isinstance(old, Role) or old.trust != role.trust:
            documents += [role.trust, *([old.trust] if isinstance(old, Role) else [])]
    return tuple(
        element
        for document in documents
        if document is not None and document.error is None
        for element in compile_policy(document, PolicyType.RESOURCE, DEFAULT_LANGUAGE_OPTIONS).actions
    )


class _Changed:
    """New permissions of one principal by a change."""

    def __init__(
        self,
        before: Workspace,
        after: Workspace,
        principal: Principal,
        then: tuple[Workspace, Principal] | None,
        of_resources: Sequence[ActionElement],
    ) -> None:
        self._elements = action_elements(after, _ASKED_FOR_POLICIES, principal)
        policies = evaluator_of(after, _ASKED_FOR_POLICIES).request_and_policies(principal)[1]
        statements = _statements(policies)
        self._all = then is None
        self._changed = list(of_resources)
        self._named_beside = frozenset().union(*(services_named(said) for *_, said in statements))
        if then is None:
            self._changed += [element for element, _ in statements.values()]
            return
        policies_then = evaluator_of(before, _ASKED_FOR_POLICIES).request_and_policies(then[1])[1]
        statements_then = _statements(policies_then)
        self._named_beside |= frozenset().union(*(services_named(said) for *_, said in statements_then))
        self._elements += action_elements(before, _ASKED_FOR_POLICIES, then[1])
        # An Allow less, or a Deny more, makes nothing possible.
        for found, others, widens in ((statements, statements_then, True), (statements_then, statements, False)):
            new = (said for key, said in found.items() if key not in others)
            self._changed += [element for element, allows in new if allows is widens]
        known = (_tags(after.account, principal), _tags(before.account, then[1]))
        self._all = _shape(policies) != _shape(policies_then) or known[0] != known[1]

    def actions(self) -> Iterator[tuple[str, int]]:
        """An action of each class that the change may matter to, and how many known ones are in it."""
        elements = list(dict.fromkeys(self._elements))
        for service in self._services(elements):
            for found in action_classes((f"{service}:*",), elements):
                name = action_name(found.action)
                if self._all or any(element.matches(name) for element in self._changed):
                    yield found.action, len(found.names)

    def _services(self, elements: Sequence[ActionElement]) -> Iterator[str]:
        of_any = self._all or any(element.services is None for element in self._changed)
        named = {service for element in self._changed for service in element.named_services}
        if of_any:
            named |= {service for element in elements for service in element.named_services} | self._named_beside
        yield from sorted(named)
        if of_any:
            yield from [service for service in _UNNAMED if service not in named][:1]
            yield next(f"service{number}" for number in range(len(named) + 1) if f"service{number}" not in named)


def _tags(account: Account, principal: Principal) -> object:
    found = account.by_arn(principal.arn)
    return found.tags if isinstance(found, (User, Role)) else ()


def _statements(policies: PoliciesInForce) -> dict[tuple[Layer, object, bool, Statement], tuple[ActionElement, bool]]:
    """The statements in force on a principal's requests, by what they say: their actions, and whether they allow."""
    found: dict[tuple[Layer, object, bool, Statement], tuple[ActionElement, bool]] = {}
    for one in different_statements(policies):
        said = structs.replace(one.policy.sources[one.number], index=0, sid=None)
        found[one.layer, one.level, one.has_variables, said] = (one.element, said.effect == "Allow")
    return found


def _shape(policies: PoliciesInForce) -> object:
    """Inputs of a decision besides statements: its layers, and policies that are unknown."""
    levels = [
        found if isinstance(found, NotEvaluated) else [(len(level.policies) > 0, level.not_loaded) for level in found]
        for found in (policies.scps, policies.rcps)
    ]
    given = [found if isinstance(found, tuple) else () for found in (policies.identity, policies.boundaries)]
    missing = [
        one for found in given for one in found if isinstance(one, MissingPolicy) or one.document.error is not None
    ]
    flags = (policies.principal_in_management_account, policies.resource_in_management_account)
    return bool(policies.boundaries), levels, missing, flags
