"""Trust over a whole account: who may assume each role, and which roles a principal reaches through chains of roles."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from enum import StrEnum
from types import MappingProxyType
from typing import Final, NamedTuple, TypeAlias

from msgspec import Struct, structs

from iamtui.account.model import Account, Known, Role
from iamtui.engine.condition_words import condition_of, outside_condition
from iamtui.engine.decision import Decision, Outcome
from iamtui.engine.evaluator import EvaluatedDecision, read_all_layers
from iamtui.engine.policy_holders import places
from iamtui.engine.request import NamedPolicy, Principal, PrincipalKind
from iamtui.policy.document import PolicyDocument
from iamtui.policy.public_access import SIGNED, Fixed, confines, fixes_caller, fixes_external_id, fixes_subject
from iamtui.problem import Problem
from iamtui.questions.account_index import account_index
from iamtui.questions.evaluator import QuestionEvaluator
from iamtui.questions.question import Question
from iamtui.workspace.ask.assumptions import Circumstances, under
from iamtui.workspace.ask.outsiders import LISTED, Outsider, Outsiders, StatementsByCaller, policy_of_resource
from iamtui.workspace.ask.questions import evaluator_of
from iamtui.workspace.source.workspace import Workspace

ASSUMING: Final[Mapping[str, PrincipalKind | None]] = {
    "sts:AssumeRole": None,
    "sts:AssumeRoleWithWebIdentity": PrincipalKind.IDENTITY_PROVIDER,
    "sts:AssumeRoleWithSAML": PrincipalKind.IDENTITY_PROVIDER,
}
"""The calls that give a session of a role, and the only kind of caller that can make them; None: several kinds."""

_WITH_SESSIONS: Final[Mapping[str, PrincipalKind | None]] = {"sts:TagSession": None, "sts:SetSourceIdentity": None}
"""Further actions that a trust policy has to allow for sessions with tags or a source identity (IAM User Guide)."""


class Trustee(StrEnum):
    """Kinds of principals that a role trusts."""

    USER = "user"
    ROLE = "role"
    OTHER_ACCOUNT = "otherAccount"
    SERVICE = "service"
    IDENTITY_PROVIDER = "identityProvider"
    EVERYONE = "everyone"


class Opening(StrEnum):
    """To whom a role is open that its trust policy should be confined to fewer."""

    EVERYONE = "everyone"
    ORGANIZATION = "otherOrganization"
    ACCOUNT = "otherAccount"
    EVERY_IDENTITY = "everyIdentity"


class TrustEdge(Struct, frozen=True):
    """A principal that may assume a role, or may on a condition.

    Args:
        trustee: what kind of principal it is.
        decision: allowed or depends: AWS's decision on the call, the principal's own policies and all caps included.
        name: the principal's ARN, account, service or provider, or the pattern of ARNs for which it stands; "*" for
            everyone. Raw text.
        organization: the id of that of the role's account, "" where it is in none, None where that is not known.
    """

    trustee: Trustee
    principal: Principal
    role: Role
    action: str
    decision: Decision
    name: str
    organization: str | None = None

    @property
    def condition(self) -> str:
        """Conditions of the decision, safe to show; "" without any. For another account they leave out that its own
        policies have to allow the call too."""
        return outside_condition(self.decision) if self.is_outside else condition_of(self.decision)

    @property
    def is_inside(self) -> bool:
        return self.trustee in (Trustee.USER, Trustee.ROLE)

    @property
    def is_outside(self) -> bool:
        return self.trustee in (Trustee.OTHER_ACCOUNT, Trustee.EVERYONE)

    @property
    def opening(self) -> Opening | None:
        """To whom its role is open here; None where the condition confines those who come in.

        An external ID confines nobody: it is no secret, and keeps one customer of another account from another's role.
        """
        if self.trustee is Trustee.IDENTITY_PROVIDER:
            is_closed = self.action != "sts:AssumeRoleWithWebIdentity" or self._confines(fixes_subject(self.provider))
            return None if is_closed else Opening.EVERY_IDENTITY
        if not self.is_outside or self._confines(fixes_caller(self.organization)):
            return None
        if self.trustee is Trustee.OTHER_ACCOUNT:
            return None if self._confines(fixes_external_id) else Opening.ACCOUNT
        return Opening.ORGANIZATION if self._confines(fixes_caller()) else Opening.EVERYONE

    @property
    def provider(self) -> str:
        """The host, and path, of an OIDC provider."""
        return self.name.rpartition(":oidc-provider/")[2]

    @property
    def lacks_external_id(self) -> bool:
        """True where an account outside the organization comes in without an external ID.

        IAM User Guide: the confused deputy problem; accounts of an organization are told apart by its id.
        """
        return self.is_outside and self.opening is not None and not self._confines(fixes_external_id)

    def _confines(self, fixed: Fixed) -> bool:
        return confines(self.decision.depends_on, fixed, always=SIGNED)


def organization_id(account: Account) -> str | None:
    """The id of an account's organization; "" where it is in none, None where that is not known."""
    if not isinstance(account.organization, Known):
        return None
    return account.organization.value.id if account.organization.value is not None else ""


POSSIBLE: Final = (Outcome.ALLOWED, Outcome.DEPENDS)

_MOST_EDGES: Final = 250_000
"""Of all roles together, kept to follow chains: some 2 kB each. Thousands of roles may all trust each other."""

Chain: TypeAlias = tuple[TrustEdge, ...]
"""The roles that are assumed one after the other, the first by the principal that the chain starts with."""


def who_may_assume(
    workspace: Workspace, role: Role, cancelled: Callable[[], bool] = lambda: False
) -> Iterator[TrustEdge]:
    """As `TrustReader.edges`, of one role alone."""
    return TrustReader(workspace).edges(role, cancelled)


def unread_trust(role: Role) -> str:
    """Why it is not known whom else the trust policy of a role lets in, a phrase; "" where it is known."""
    if role.trust.error is None:
        return ""
    return "its trust policy cannot be read" if role.trust.raw else "its trust policy is not loaded"


class TrustReader:
    """Who may assume each of many roles: whom equal trust policies name is worked out once.

    Args:
        across: whether the users and roles of other accounts that are open are asked about one by one, as those of the
            account are; else whom the trust policy names stands for them, and their accounts' policies are left open.
        circumstances: of the calls, where they are not those of now.
    """

    def __init__(
        self, workspace: Workspace, *, across: bool = True, circumstances: Circumstances = MappingProxyType({})
    ) -> None:
        self._circumstances = circumstances
        self._workspace = workspace if across else replace(workspace, beside=())
        self._by_document: dict[PolicyDocument, _NamedOutsiders] = {}

    def edges(
        self,
        role: Role,
        cancelled: Callable[[], bool] = lambda: False,
        *,
        inside: bool = True,
        with_sessions: bool = False,
    ) -> Iterator[TrustEdge]:
        """Who may assume a role: users and roles of the account in its order, then whom the trust policy names besides.

        Those of other accounts that are open come with these.

        Args:
            inside: whether the account's own users and roles are asked about.
            with_sessions: whether to look, too, for who may tag a session of it or set its source identity.
        """
        actions = {**ASSUMING, **_WITH_SESSIONS} if with_sessions else ASSUMING
        named: _NamedOutsiders | None = None
        organization = organization_id(self._workspace.account)
        for number, (action, only) in enumerate(actions.items()):
            if number and only is not None and (named is None or not named.providers):
                # The role has one trust policy, whichever call is asked about.
                continue
            evaluator = evaluator_of(self._workspace, self._question(action, role))
            if only is None and inside:
                yield from TrustedInside(self._workspace, role, action, evaluator, cancelled)
            policy = policy_of_resource(evaluator)
            named = None
            if isinstance(policy, NamedPolicy) and policy.document.error is None:
                named = self._named(policy)
            if only is None:
                yield from self._of_others(role, action, named.accounts if named is not None else None, cancelled)
            if named is None or not isinstance(policy, NamedPolicy):
                continue
            reading = _TrustEvaluation(evaluator, policy, named.statements)
            for group in named.groups if only is None else named.providers:
                if cancelled():
                    return
                for one, decision in reading.letting_in(group):
                    kind = _kind_of(one.principal, named.stranger)
                    yield TrustEdge(kind, one.principal, role, action, decision, one.name, organization)

    def _question(self, action: str, role: Role) -> Question:
        return under(Question(action, role.arn), self._circumstances)

    def accounts(self, role: Role) -> frozenset[str] | None:
        """The other accounts whose users and roles the trust policy of a role may let in; None: those of any."""
        policy = policy_of_resource(evaluator_of(self._workspace, self._question("sts:AssumeRole", role)))
        if not isinstance(policy, NamedPolicy) or policy.document.error is not None:
            return None
        found = self._named(policy).accounts
        return None if found is None else found - {self._workspace.account.id}

    def _of_others(
        self, role: Role, action: str, accounts: frozenset[str] | None, cancelled: Callable[[], bool]
    ) -> Iterator[TrustEdge]:
        """The users and roles of the other accounts that are open, of those whose may be let in; None: of all."""
        for account in self._workspace.others:
            if accounts is None or account in accounts:
                there = self._workspace.at(account)
                yield from TrustedInside(
                    there, role, action, evaluator_of(there, self._question(action, role)), cancelled
                )

    def inside(self, role: Role) -> TrustedInside:
        """The users and roles of the account that may assume a role."""
        (action, *_) = (action for action, only in ASSUMING.items() if only is None)
        evaluator = evaluator_of(self._workspace, self._question(action, role))
        return TrustedInside(self._workspace, role, action, evaluator)

    def _named(self, policy: NamedPolicy) -> _NamedOutsiders:
        found = self._by_document.get(policy.document)
        if found is None:
            found = self._by_document[policy.document] = _named_by(self._workspace, policy)
        return found


class _NamedOutsiders(NamedTuple):
    """Principals outside the account in a trust policy.

    Args:
        groups, providers: those of `Outsiders`, each principal once.
        accounts: of which users and roles may be let in; None: of any.
        stranger: the account of those who stand for everybody.
    """

    groups: tuple[tuple[Outsider, ...], ...]
    providers: tuple[tuple[Outsider, ...], ...]
    statements: StatementsByCaller
    stranger: str
    accounts: frozenset[str] | None


def _named_by(workspace: Workspace, policy: NamedPolicy) -> _NamedOutsiders:
    outsiders = Outsiders(workspace, "sts:AssumeRole", policy)
    groups, providers = (tuple(_each_once(workspace, groups)) for groups in (outsiders.groups(), outsiders.providers()))
    return _NamedOutsiders(groups, providers, outsiders.statements, outsiders.stranger, outsiders.accounts)


def _each_once(workspace: Workspace, groups: Iterable[tuple[Outsider, ...]]) -> Iterator[tuple[Outsider, ...]]:
    seen: set[str] = set()
    for group in groups:
        asked = tuple(one for one in group if one.principal.arn not in seen and not _is_own(workspace, one))
        seen |= {one.principal.arn for one in asked}
        yield asked


class _TrustEvaluation:
    """One question put to outsiders, each of whom meets only the statements that can be about it."""

    def __init__(self, evaluator: QuestionEvaluator, policy: NamedPolicy, statements: StatementsByCaller) -> None:
        self._evaluator = evaluator
        self._policy = policy
        self._statements = statements

    def decide(self, principal: Principal) -> Decision:
        request, policies, asked = self._evaluator.put_by(principal)
        resource = NamedPolicy(self._policy.name, self._statements.about(principal))
        # What is made of a document for one outsider is of no use to the next.
        policies = structs.replace(policies, resource=resource, resource_lasts=False)
        return EvaluatedDecision(read_all_layers(request, policies, asked=asked))

    def letting_in(self, group: Sequence[Outsider]) -> Iterator[tuple[Outsider, Decision]]:
        """Those of a group that may, but for those of whom nothing else is true than of all in general."""
        known: set[tuple[Outcome, str]] = set()
        for outsider in group:
            decision = self.decide(outsider.principal)
            if decision.outcome not in POSSIBLE:
                continue
            if len(group) > 1:
                answer = (decision.outcome, outside_condition(decision))
                if answer in known:
                    continue
                if outsider.general:
                    known.add(answer)
            yield outsider, decision


class TrustedInside:
    """The users and roles of the account that may assume a role, in its order.

    Only those whom the index does not find denied are looked at, and only those whom it cannot tell are decided to be
    counted.
    """

    def __init__(
        self,
        workspace: Workspace,
        role: Role,
        action: str,
        evaluator: QuestionEvaluator,
        cancelled: Callable[[], bool] = lambda: False,
    ) -> None:
        self._role = role
        self._action = action
        self._evaluator = evaluator
        self._cancelled = cancelled
        self._index = account_index(workspace.account)
        outcomes = evaluator.outcomes()
        everybody = (1 << len(self._index.principals)) - 1
        self._certain = 0 if outcomes is None else outcomes.allowed | outcomes.depends
        denied = 0 if outcomes is None else outcomes.explicit_deny | outcomes.implicit_deny
        self._open = everybody & ~(self._certain | denied)

    def __iter__(self) -> Iterator[TrustEdge]:
        for place in places(self._certain | self._open):
            if self._cancelled():
                return
            principal = self._index.principals[place].principal
            decision = self._evaluator.decide(principal)
            if decision.outcome in POSSIBLE:
                kind = Trustee.USER if principal.kind is PrincipalKind.USER else Trustee.ROLE
                yield TrustEdge(kind, principal, self._role, self._action, decision, principal.arn)

    def __len__(self) -> int:
        principals = self._index.principals
        decided = (self._evaluator.decide(principals[place].principal) for place in places(self._open))
        return self._certain.bit_count() + sum(decision.outcome in POSSIBLE for decision in decided)


def _is_own(workspace: Workspace, outsider: Outsider) -> bool:
    """True where it is evaluated as a user or role of an open account."""
    principal = outsider.principal
    if principal.account in workspace.others and principal.kind in LISTED:
        return True
    return workspace.account.by_arn(principal.arn) is not None and principal.kind is not PrincipalKind.IDENTITY_PROVIDER


def _kind_of(principal: Principal, stranger: str) -> Trustee:
    if principal.kind is PrincipalKind.SERVICE:
        return Trustee.SERVICE
    if principal.kind is PrincipalKind.IDENTITY_PROVIDER:
        return Trustee.IDENTITY_PROVIDER
    return Trustee.EVERYONE if principal.account == stranger else Trustee.OTHER_ACCOUNT


def every_edge(workspace: Workspace, cancelled: Callable[[], bool] = lambda: False) -> Iterator[TrustEdge]:
    """Who may assume which role, in all accounts that are open and across them."""
    for account in workspace.accounts:
        reader = TrustReader(workspace.at(account.id))
        for role in account.roles:
            if cancelled():
                return
            yield from reader.edges(role, cancelled)


def by_principal(edges: Iterable[TrustEdge]) -> Mapping[str, tuple[TrustEdge, ...]]:
    """The edges of each principal, by its ARN; those that hold without a condition first.

    Raises:
        Problem: there are too many to keep.
    """
    found: dict[str, list[TrustEdge]] = {}
    for number, edge in enumerate(edges):
        if number >= _MOST_EDGES:
            raise Problem(
                f"More than {_MOST_EDGES:,} pairs of a principal and a role that it may assume: too many to follow.",
                "Ask who may assume one role: `iamtui trust ROLE`.",
            )
        found.setdefault(edge.principal.arn, []).append(edge)
    return {arn: certain_first(own) for arn, own in found.items()}


def certain_first(edges: Iterable[TrustEdge]) -> tuple[TrustEdge, ...]:
    return tuple(sorted(edges, key=lambda edge: edge.decision.outcome is not Outcome.ALLOWED))


def chains_from(principal: Principal, edges: Mapping[str, tuple[TrustEdge, ...]]) -> Iterator[Chain]:
    """A chain to every role that a principal reaches: that with the fewest conditions, a shortest of those.

    The shortest chains come first. AWS limits a session got by role chaining to one hour (IAM User Guide: role
    chaining).
    """
    reached: dict[str, Chain] = {}
    # By conditions and length, the chains that may be the best to the role, or principal, where each ends.
    waiting: dict[tuple[int, int], dict[str, Chain]] = {(0, 0): {principal.arn: ()}}
    while waiting:
        conditions, length = best = min(waiting)
        for arn, chain in waiting.pop(best).items():
            if arn in reached:
                continue
            reached[arn] = chain
            for edge in edges.get(arn, ()):
                more = conditions + (edge.decision.outcome is not Outcome.ALLOWED)
                if edge.role.arn not in reached:
                    waiting.setdefault((more, length + 1), {}).setdefault(edge.role.arn, (*chain, edge))
    yield from sorted(filter(None, reached.values()), key=len)
