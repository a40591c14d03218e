"""Compiled policies: what matching needs, made once for each document and shared by all who carry it."""

from __future__ import annotations

from dataclasses import dataclass

from iamtui.policy.action import ActionElement
from iamtui.policy.conditions import CompiledCondition
from iamtui.policy.context import RequestContext
from iamtui.policy.document import PolicyDocument, Statement
from iamtui.policy.resource import Reach, RequestResource, ResourceElement, ResourceMatcher
from iamtui.policy.truth import Truth, all_of
from iamtui.policy.types import DEFAULT_LANGUAGE_OPTIONS, LanguageOptions, PolicyType


@dataclass(frozen=True, slots=True)
class CompiledStatement:
    """One statement: what it says, and its elements ready to be matched.

    Args:
        keys: lower-case condition keys that its conditions and variables read.
        reaches_everyone: whether its principals are the star and nothing else.
        reads_context: whether anything in it depends on the context; a condition on a malformed key counts.
        any_resource: whether it is about every resource (`Resource: "*"`).
        unknown_operators: condition operators that AWS does not have; they make the statement never match.
    """

    statement: Statement
    allows: bool
    action: ActionElement
    resource: ResourceElement
    conditions: tuple[CompiledCondition, ...]
    keys: frozenset[str]
    reaches_everyone: bool
    reads_context: bool
    any_resource: bool
    unknown_operators: tuple[str, ...] = ()

    def matches_resource(
        self, resource: RequestResource, context: RequestContext, options: LanguageOptions, *, everywhere: bool
    ) -> Truth:
        """Whether the statement is about the resource.

        Args:
            everywhere: for a SET, ask about all of its resources instead of at least one.
        """
        reach = Reach.SHARES if self.allows is not everywhere else Reach.COVERS
        return self.resource.applies(resource, context, options, reach=reach)

    def holds(self, context: RequestContext) -> Truth:
        """Whether all conditions hold."""
        undetermined: list[Truth] = []
        for condition in self.conditions:
            truth = condition.test(context)
            if truth is False:
                return False
            if truth is not True:
                undetermined.append(truth)
        if not undetermined:
            return True
        return undetermined[0] if len(undetermined) == 1 else all_of(undetermined)


class CompiledPolicy:
    """The statements of one document as one policy type, found by the service of an action.

    Of a statement only the actions are made ready at once; its resources and conditions when it is first about
    an action that is asked, which most statements of an account never are.

    Args:
        by_service: for each service that is named, the statements that may be about its actions, by index.
        of_any_service: the statements that may be about actions of any service (a star, NotAction).
    """

    __slots__ = (
        "_compiled",
        "_options",
        "_policy_type",
        "_statements",
        "_variables",
        "actions",
        "by_service",
        "of_any_service",
    )

    def __init__(self, document: PolicyDocument, policy_type: PolicyType, options: LanguageOptions) -> None:
        policy = document.policy
        self._statements = policy.statements
        self._policy_type = policy_type
        self._variables = policy.substitutes_variables
        self._options = options
        self._compiled: list[CompiledStatement | None] = [None] * len(policy.statements)
        self.actions = tuple(map(_action_element, policy.statements))
        by_service: dict[str, list[int]] = {}
        of_any_service: list[int] = []
        for index, element in enumerate(self.actions):
            services = element.services
            if services is None:
                of_any_service.append(index)
            else:
                for service in services:
                    by_service.setdefault(service, []).append(index)
        self.by_service = by_service
        self.of_any_service = tuple(of_any_service)

    def statement(self, index: int) -> CompiledStatement:
        """One statement, made ready when first asked for."""
        found = self._compiled[index]
        if found is None:
            found = self._compiled[index] = _compile_statement(
                self._statements[index],
                self.actions[index],
                self._policy_type,
                variables=self._variables,
                options=self._options,
            )
        return found

    @property
    def statements(self) -> tuple[CompiledStatement, ...]:
        return tuple(map(self.statement, range(len(self._statements))))


def _action_element(statement: Statement) -> ActionElement:
    if statement.not_actions is not None:
        return ActionElement(statement.not_actions, negated=True)
    return ActionElement(statement.actions or (), negated=False)


def _compile_statement(
    statement: Statement,
    action: ActionElement,
    policy_type: PolicyType,
    *,
    variables: bool,
    options: LanguageOptions,
) -> CompiledStatement:
    negated = statement.not_resources is not None
    entries = statement.not_resources if negated else statement.resources
    matcher = (
        None
        if entries is None
        else ResourceMatcher(entries, policy_type=policy_type, variables=variables, options=options)
    )
    conditions = tuple(CompiledCondition(line, variables=variables, options=options) for line in statement.conditions)
    keys = {key for condition in conditions for key in (condition.key, *condition.variable_keys) if key}
    if matcher is not None:
        keys.update(matcher.variable_keys)
    return CompiledStatement(
        statement=statement,
        allows=statement.effect == "Allow",
        action=action,
        resource=ResourceElement(matcher, negated=negated, implied=policy_type.implies_resource),
        conditions=conditions,
        keys=frozenset(keys),
        reads_context=bool(conditions or keys),
        any_resource=entries is not None and not negated and "*" in entries,
        reaches_everyone=statement.principals is not None
        and len(statement.principals) == 1
        and statement.principals[0].value == "*"
        and (statement.principals[0].bare or statement.principals[0].kind == "AWS"),
        unknown_operators=tuple(condition.line.operator for condition in conditions if condition.operator is None),
    )


def compile_policy(document: PolicyDocument, policy_type: PolicyType, options: LanguageOptions) -> CompiledPolicy:
    """The compiled form of a document, made once for each type and set of options.

    Raises:
        DocumentError: the document is unreadable.
    """
    key = policy_type if options is DEFAULT_LANGUAGE_OPTIONS else (policy_type, options)
    found = document.compiled.get(key)
    if found is None:
        found = document.compiled[key] = CompiledPolicy(document, policy_type, options)
    assert isinstance(found, CompiledPolicy)
    return found
