"""Access: what a principal may do of several actions and resources, and by which policy, group or roles."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from msgspec import Struct, structs

from iamtui.account.model import Account, User
from iamtui.catalog.actions import catalogue
from iamtui.engine.condition_words import condition_of
from iamtui.engine.decision import Decision, Layer, Outcome, StatementRef, severity
from iamtui.engine.request import Principal
from iamtui.policy.document import PolicyDocument
from iamtui.policy.json_text import json_text
from iamtui.policy.patterns import is_pattern, parse_arn
from iamtui.problem import Problem
from iamtui.questions.answers import Answer, Cell, fits, no_action_matches
from iamtui.questions.question import QuestionMatrix
from iamtui.text import safe_text
from iamtui.workspace.ask.answers import answer_all
from iamtui.workspace.ask.trust import Chain, by_principal, chains_from, every_edge
from iamtui.workspace.source.workspace import Workspace

ACCESS_LEVELS: Final = {
    "list": "List",
    "read": "Read",
    "write": "Write",
    "permissions-management": "Permissions management",
    "tagging": "Tagging",
}
"""The access levels of the Service Authorization Reference, by how they are typed."""

_POSSIBLE: Final = (Outcome.ALLOWED, Outcome.DEPENDS)


class Grant(Struct, frozen=True):
    """A statement that allows the request, and how the principal comes by its policy.

    Args:
        groups: the groups of a user that have the policy; empty where the user has it too, or it is no identity policy.
    """

    statement: StatementRef
    groups: tuple[str, ...] = ()

    @property
    def kind(self) -> str:
        if self.statement.layer is Layer.RESOURCE:
            return "trustPolicy" if self.statement.policy.startswith("trust policy of ") else "resourcePolicy"
        return "group" if self.groups else "policy"


def granting_statements(decision: Decision) -> list[StatementRef]:
    """Statements of identity policies and of the resource's policy that allow the request, or may."""
    if decision.outcome not in _POSSIBLE:
        return []
    granting = (Layer.IDENTITY, Layer.RESOURCE)
    return [ref for ref in decision.matched if ref.effect == "Allow" and ref.layer in granting]


def granting_conditions(
    decision: Decision, documents: Mapping[tuple[Layer, str], PolicyDocument]
) -> list[dict[str, Any]]:
    """The conditions of those statements, each once; one without is enough. [] where none is in these documents.

    Args:
        documents: by layer and name of the policy.
    """
    found: dict[str, dict[str, Any]] = {}
    for ref in granting_statements(decision):
        document = documents.get((ref.layer, ref.policy))
        if document is None:
            continue
        condition = as_newest(document, statements_of(document)[ref.statement].get("Condition") or {})
        if not condition:
            return [{}]
        found[json_text(condition)] = condition
    return list(found.values())


def statements_of(document: PolicyDocument) -> Sequence[dict[str, Any]]:
    found = document.value.get("Statement", [])
    return [found] if isinstance(found, dict) else found


def as_newest(document: PolicyDocument, value: Any) -> Any:
    """A part of a document in the newest version's syntax: older versions take `${` literally."""
    if document.policy.substitutes_variables:
        return value
    if isinstance(value, str):
        return value.replace("${", "${$}{")
    if isinstance(value, list):
        return [as_newest(document, one) for one in value]
    return {key: as_newest(document, one) for key, one in value.items()} if isinstance(value, dict) else value


def grants_of(
    workspace: Workspace, decision: Decision, granting: Sequence[StatementRef] | None = None
) -> tuple[Grant, ...]:
    """Those statements, or only some of them, and how the principal comes by their policies."""
    principal = decision.principal
    account = workspace.at(principal.account).account
    entity = account.by_arn(principal.arn)
    user = entity if isinstance(entity, User) else None
    # Found once for each policy, which may have a hundred statements.
    groups: dict[str, tuple[str, ...]] = {}
    found: list[Grant] = []
    for ref in granting_statements(decision) if granting is None else granting:
        if user is None or ref.layer is Layer.RESOURCE:
            found.append(Grant(ref))
            continue
        if ref.policy not in groups:
            groups[ref.policy] = _groups_with(account, user, ref.policy)
        found.append(Grant(ref, groups[ref.policy]))
    return tuple(found)


def _groups_with(account: Account, user: User, policy: str) -> tuple[str, ...]:
    if not policy.startswith("arn:"):
        # An inline policy of a group is named GROUP/NAME; IAM allows no slash in either name.
        group, slash, _ = policy.partition("/")
        return (group,) if slash else ()
    if any(attached.arn == policy for attached in user.attached_policies):
        return ()
    having = _groups_by_policy(account).get(policy, ())
    return tuple(name for name in user.groups if name in having)


def _groups_by_policy(account: Account) -> Mapping[str, Collection[str]]:
    """The names of the groups that have each managed policy, by its ARN."""
    found: dict[str, set[str]] | None = account.memo.get("groups by policy")
    if found is None:
        found = {}
        for group in account.groups:
            for attached in group.attached_policies:
                found.setdefault(attached.arn, set()).add(group.name)
        account.memo["groups by policy"] = found
    return found


class PrincipalAccess(Struct, frozen=True):
    """Access of one principal for a question.

    Args:
        answer: its answer, or that of the last of the roles that it assumes.
        cell: the action and resource that decide: the worst, or the best where one of them is enough.
        one_is_enough: whether the best decides.
        through: the roles that are assumed first, one after the other.
    """

    principal: Principal
    answer: Answer
    cell: Cell
    one_is_enough: bool = False
    through: Chain = ()

    @property
    def outcome(self) -> Outcome:
        outcome = self.cell.deciding.outcome
        certain = all(edge.decision.outcome is Outcome.ALLOWED for edge in self.through)
        return outcome if certain or outcome is not Outcome.ALLOWED else Outcome.DEPENDS

    @property
    def condition(self) -> str:
        """Conditions of the access, safe to show; "" without any."""
        parts = [f"{edge.condition} (to assume {edge.role.name})" for edge in self.through if edge.condition]
        return " and ".join(filter(None, (*map(safe_text, parts), condition_of(self.cell.deciding))))

    @property
    def granted(self) -> tuple[Cell, ...]:
        """The actions and resources that are allowed, or may be."""
        return tuple(cell for cell in self.answer.counted if cell.deciding.outcome in _POSSIBLE)


def who_has_access(
    workspace: Workspace,
    question_matrix: QuestionMatrix,
    principals: Iterable[Principal],
    *,
    one_is_enough: bool = False,
    only_deciding: bool = False,
) -> Iterator[PrincipalAccess]:
    """Access of each of the principals, in their order, one by one.

    Args:
        one_is_enough: whether one of the actions on one of the resources is enough; else it takes all of them.
        only_deciding: leave out the checks of the same calls that do not decide, which is several times as fast.

    Raises:
        Problem: something in the question matrix cannot be asked.
    """
    for principal, found in answer_all(workspace, question_matrix, principals, only_deciding=only_deciding):
        cell = _best(found.taking_part) if one_is_enough else found.worst
        yield PrincipalAccess(principal, found, cell, one_is_enough)


def _best(cells: Sequence[Cell]) -> Cell:
    for outcome in _POSSIBLE:
        granting = [cell for cell in cells if cell.deciding.outcome is outcome]
        if granting:
            # One that is allowed on all resources is often the first; how far the others reach need not be found out.
            return next((cell for cell in granting if severity(cell.deciding) == _BEST), granting[0])
    return max(cells, key=lambda cell: severity(cell.deciding))


_BEST: Final = 5


def through_roles(workspace: Workspace, found: Sequence[PrincipalAccess]) -> Iterator[PrincipalAccess]:
    """Who gets access only by assuming roles that have it: those of `found` that are denied, and whom a role trusts.

    The chain of each has the fewest conditions, and is a shortest of those.
    """
    by_role = {one.principal.arn: one for one in found if one.outcome in _POSSIBLE}
    edges = by_principal(every_edge(workspace))
    for arn, (first, *_) in edges.items():
        if arn in by_role:
            continue
        # An example of an account's principals, or of everybody's.
        example = first.is_outside and first.name != arn
        principal = replace(first.principal, stands_for=first.name) if example else first.principal
        reached = [
            structs.replace(by_role[chain[-1].role.arn], principal=principal, through=chain)
            for chain in chains_from(principal, edges)
            if chain[-1].role.arn in by_role
        ]
        if reached:
            yield next((one for one in reached if one.outcome is Outcome.ALLOWED), reached[0])


def actions_that_fit(
    patterns: tuple[str, ...], resources: tuple[str, ...], level: str | None = None
) -> tuple[str, ...]:
    """Written-out actions, and those of patterns that are about one of some resources.

    Args:
        patterns: actions or patterns; none: every action of the services of the resources.
        level: an access level by its name in `ACCESS_LEVELS`, or None for any.

    Raises:
        Problem: there is no such action, or no service is named.
    """
    found: dict[str, None] = {}
    wanted = None if level is None else ACCESS_LEVELS[level]
    for pattern in patterns or every_action_about(resources):
        written_out = not is_pattern(pattern)
        names = [pattern] if written_out else catalogue().expand(pattern)
        if not names:
            raise no_action_matches(pattern)
        for name in names:
            is_about = written_out or any(fits(name, resource) for resource in resources)
            if is_about and (wanted is None or wanted in levels_of(name)):
                found[name] = None
    if not found:
        what = f"action of access level {wanted}" if wanted else "action"
        of = f" of {', '.join(map(safe_text, patterns))}" if patterns else ""
        raise Problem(
            f"No {what}{of} is about {', '.join(map(safe_text, resources))}.", "Ask about another resource or action."
        )
    return tuple(found)


def every_action_about(resources: tuple[str, ...]) -> tuple[str, ...]:
    """Patterns of all actions of the services of some resources.

    Raises:
        Problem: no service is named.
    """
    services = {arn.service: None for arn in map(parse_arn, resources) if arn is not None}
    known = tuple(f"{service}:*" for service in services if catalogue().is_service(service))
    if not known:
        raise Problem(
            "Without an action, --on has to name a resource of a service.",
            "Name an ARN, such as arn:aws:s3:::BUCKET, or a pattern of actions, such as s3:*.",
        )
    return known


def levels_of(action: str) -> tuple[str, ...]:
    """The access levels of an action; () where the catalogue does not have it."""
    return catalogue().access_levels(action)
