"""Compiled policies: what matching needs, made once for each document and shared by all who carry it."""

from __future__ import annotations

from dataclasses import dataclass

from iamtui.policy.action import ActionElement
from iamtui.policy.condition import CompiledCondition
from iamtui.policy.context import RequestContext
from iamtui.policy.document import PolicyDocument, Statement
from iamtui.policy.formula import Truth, all_of
from iamtui.policy.kinds import PolicyType
from iamtui.policy.options import DEFAULT_LANGUAGE_OPTIONS, LanguageOptions
from iamtui.policy.resource import Reach, RequestResource, ResourceElement, ResourceMatcher


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
    """The statements of one document as one policy type."""

    __slots__ = ("statements",)

    def __init__(self, document: PolicyDocument, policy_type: PolicyType, options: LanguageOptions) -> None:
        policy = document.policy
        self.statements = tuple(
            _compile_statement(statement, policy_type, variables=policy.substitutes_variables, options=options)
            for statement in policy.statements
        )


def _compile_statement(
    statement: Statement, policy_type: PolicyType, *, variables: bool, options: LanguageOptions
) -> CompiledStatement:
    if statement.not_actions is not None:
        action = ActionElement(statement.not_actions, negated=True)
    else:
        action = ActionElement(statement.actions or (), negated=False)
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
