"""Two documents compared for all requests: whether one allows anything that the other does not.

Of identity policies, boundaries and SCPs: what they say, whoever is called by whom. What else is in force is left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from iamtui.catalog.actions import ENGINE_CATALOGUE, catalogue
from iamtui.engine.decision import Outcome
from iamtui.engine.evaluator import evaluate
from iamtui.engine.prepared_request import prepare
from iamtui.engine.representatives import ArnDefaults, spellings
from iamtui.engine.request import Mode, NamedPolicy, PoliciesInForce, Request, principal_from_text
from iamtui.policy.context import CommonContext, RequestContext, Truth, all_of, any_of, negate
from iamtui.policy.document import PolicyDocument
from iamtui.policy.patterns import Token, Wild, is_pattern
from iamtui.policy.resource import RequestResource, ResourceKind
from iamtui.policy.statement import CompiledStatement, action_name, compile_policy
from iamtui.policy.types import DEFAULT_LANGUAGE_OPTIONS, PolicyType
from iamtui.proofs.actions import action_classes
from iamtui.proofs.carried_keys import Carried, Values, go_together
from iamtui.proofs.contexts import Doubt, FoundContext, find_context
from iamtui.proofs.requests import groups_of
from iamtui.proofs.texts import ANY_OTHER, Bounds, GroupKind, PatternGroup, Unproved, speaking_texts

_UNKNOWN: Final = RequestContext(CommonContext({}, discover=True))
_ANY_ARN: Final[tuple[Token, ...]] = (
    *"arn:",
    *((Wild.FIELD_ONE, Wild.FIELD_STAR, ":") * 2),
    *((Wild.FIELD_STAR, ":") * 2),
    Wild.STAR,
)
_MOST_SPELLINGS: Final = 48
_MOST_REASONS: Final = 20
_ACCOUNT: Final = "123456789012"
_UNNAMED: Final = ("sns", "sqs", "s3", "iam", "ec2")
"""Services of which one is asked about, where none of it is named, for all that are not named."""


class AllowedByOne(NamedTuple):
    """A request that one document allows and the other does not."""

    action: str
    resource: str
    context: dict[str, Values]


@dataclass(frozen=True)
class Comparison:
    """What came of comparing two documents.

    Args:
        example: what the one allows and the other does not, or None.
        reasons: where there is neither an example nor a proof, what stands in the way of it.
        classes: how many classes of actions were looked at.
    """

    example: AllowedByOne | None = None
    reasons: tuple[str, ...] = ()
    classes: int = 0

    @property
    def proved(self) -> bool:
        return self.example is None and not self.reasons


class _Sides(NamedTuple):
    """The statements about one action: of the document that should allow no more, and of the other."""

    one: tuple[CompiledStatement, ...]
    other: tuple[CompiledStatement, ...]


def find_broader(one: PolicyDocument, other: PolicyDocument, seconds: float) -> Comparison:
    """A request that the one document allows and the other does not, or that there is none.

    Args:
        seconds: how long it may take.

    Raises:
        DocumentError: a document cannot be read.
    """
    bounds = Bounds(seconds)
    try:
        return _Comparer(one, other, bounds).compare()
    except Unproved as unproved:
        return Comparison(None, (unproved.reason,))


class _Comparer:
    def __init__(self, one: PolicyDocument, other: PolicyDocument, bounds: Bounds) -> None:
        self._documents = (one, other)
        self._statements = tuple(
            compile_policy(document, PolicyType.IDENTITY, DEFAULT_LANGUAGE_OPTIONS).statements
            for document in self._documents
        )
        self._partitions = _partitions(documents=self._documents)
        self._bounds = bounds
        # The same words mean the same in both.
        self._same_language = len({document.policy.substitutes_variables for document in self._documents}) == 1
        self._doubts: dict[str, None] = {}

    def compare(self) -> Comparison:
        elements = list(dict.fromkeys(one.action for statements in self._statements for one in statements))
        number = 0
        for service in self._services():
            if self._says_no_more(service):
                continue
            for some in action_classes((f"{service}:*",), elements, by_documents_alone=True):
                number += 1
                example = self._about(some.action)
                if example is not None:
                    return Comparison(example, (), number)
        return Comparison(None, tuple(self._doubts)[:_MOST_REASONS], number)

    def _services(self) -> Iterator[str]:
        """The services that a document names, and where the first allows something of others, two that stand for them.

        One of these is a service of AWS, so that there is an example, and one is none, whose resources are any ARNs.
        """
        named = {
            service for statements in self._statements for one in statements for service in one.action.named_services
        }
        yield from sorted(named)
        if any(one.allows and one.action.services is None for one in self._statements[0]):
            yield from [service for service in _UNNAMED if service not in named][:1]
            yield next(f"service{number}" for number in range(len(named) + 1) if f"service{number}" not in named)

    def _says_no_more(self, service: str) -> bool:
        """Whether the other document says, in the same words, all that the first allows of a service.

        And no Deny that the first does not say.
        """
        if not self._same_language:
            return False
        one, other = (
            [each for each in found if each.action.whole_service(service) is not False] for found in self._statements
        )
        return all(
            any(_says_as_much(each, more) for more in other if more.allows) for each in one if each.allows
        ) and all(
            any(_says_as_much(each, more) for more in one if not more.allows) for each in other if not each.allows
        )

    def _about(self, action: str) -> AllowedByOne | None:
        name = action_name(action)
        sides = _Sides(*(tuple(one for one in found if one.action.matches(name)) for found in self._statements))
        if not any(one.allows for one in sides.one) or self._is_covered(sides):
            return None
        for resource, is_certain in self._resources(action, sides):
            self._bounds.check()
            truth = all_of((_allows(sides.one, resource), negate(_allows(sides.other, resource))))
            found = find_context(truth, _UNKNOWN, self._bounds, _carried(action))
            if isinstance(found, FoundContext):
                example = self._confirmed(action, resource, dict(found.values)) if is_certain else None
                if example is not None:
                    return example
                found = Doubt((_doubt(action, resource, is_certain=is_certain),))
            if found is not None:
                self._doubts.update(dict.fromkeys(found.reasons))
        return None

    def _is_covered(self, sides: _Sides) -> bool:
        """Whether the other document allows everything of the action, or all that each statement does, in its words."""
        if not all(one.allows for one in sides.other):
            return False
        plain = [one for one in sides.other if not one.conditions]
        if any(one.any_resource for one in plain):
            return True
        if not self._same_language:
            return False
        said = {(one.statement.resources, one.statement.not_resources, one.conditions) for one in sides.other}
        return all(
            (one.statement.resources, one.statement.not_resources, one.conditions) in said
            for one in sides.one
            if one.allows
        )

    def _resources(self, action: str, sides: _Sides) -> Iterator[tuple[RequestResource, bool]]:
        """Resources that speak for all of an action, each with whether it is one that there may be."""
        for partition in self._partitions:
            yield from self._resources_in(partition, action, sides)

    def _resources_in(self, partition: str, action: str, sides: _Sides) -> Iterator[tuple[RequestResource, bool]]:
        prepared = prepare(action, "*", None, partition, "", ENGINE_CATALOGUE)
        is_known = ENGINE_CATALOGUE.has_resource_type(action) is not None
        if prepared.resource.kind is ResourceKind.NONE or not is_known:
            yield prepare(action, "*", True, partition, "", ENGINE_CATALOGUE).resource, is_known
        if prepared.resource.kind is ResourceKind.NONE:
            return
        members = prepared.resource.whole or prepared.resource.members
        within = [patterns for patterns in (members.patterns, members.forms) if patterns] if is_known else [(_ANY_ARN,)]
        groups = [PatternGroup(GroupKind.MUST, patterns) for patterns in within]
        never = tuple(glob.tokens for glob in members.never)
        if never and is_known:
            groups.append(PatternGroup(GroupKind.NEVER, never))
        for number, statements in enumerate(sides):
            found = groups_of(((number, one) for one in statements), _UNKNOWN, DEFAULT_LANGUAGE_OPTIONS)
            groups += (group.turned for group in found) if number else found
        for text, _ in speaking_texts(groups, self._bounds):
            if "*" in text:
                raise Unproved("a policy names a resource with a star in its name")
            yield RequestResource(text, ResourceKind.ONE), is_known

    def _confirmed(self, action: str, resource: RequestResource, context: dict[str, Values]) -> AllowedByOne | None:
        """The request as the evaluator answers it under each document alone; None where it does not agree."""
        texts: Sequence[str] = (resource.text,)
        if ANY_OTHER in resource.text:
            around = ArnDefaults(action_name(action).service, "eu-west-1")
            texts = list(dict.fromkeys(spellings(resource.text, around)))[:_MOST_SPELLINGS]
        for text in texts:
            outcomes = [_outcome(document, action, text, context) for document in self._documents]
            if outcomes[0] is Outcome.ALLOWED and outcomes[1] is not Outcome.ALLOWED:
                return AllowedByOne(action, text, context)
        return None


def _says_as_much(one: CompiledStatement, other: CompiledStatement) -> bool:
    """Whether another statement of the same effect says the same of all actions that a statement names, or of more."""
    a, b = one.statement, other.statement
    if (a.resources, a.not_resources) != (b.resources, b.not_resources) or one.conditions != other.conditions:
        return False
    if a.actions is not None and b.actions is not None:
        return set(a.actions) <= set(b.actions)
    return (a.actions, a.not_actions) == (b.actions, b.not_actions)


def _doubt(action: str, resource: RequestResource, *, is_certain: bool) -> str:
    if not is_certain:
        return f"only actions that the catalogue does not know, such as {action}, are known to be allowed"
    return f"{action} on {resource.text.replace(ANY_OTHER, '?')}: the evaluator does not confirm it"


def _partitions(documents: Sequence[PolicyDocument]) -> tuple[str, ...]:
    """The partitions that resources are named in, and that of most accounts where none is."""
    found = {
        entry.split(":", 2)[1]
        for document in documents
        for statement in document.policy.statements
        for entry in (*(statement.resources or ()), *(statement.not_resources or ()))
        if entry.startswith("arn:")
    }
    return tuple(sorted(one for one in found if one.startswith("aws") and not is_pattern(one))) or ("aws",)


def _allows(statements: Sequence[CompiledStatement], resource: RequestResource) -> Truth:
    truths: dict[bool, list[Truth]] = {True: [], False: []}
    for one in statements:
        about = one.matches_resource(resource, _UNKNOWN, DEFAULT_LANGUAGE_OPTIONS, everywhere=False)
        if about is not False:
            truths[one.allows].append(all_of((about, one.holds(_UNKNOWN))))
    return all_of((any_of(truths[True]), negate(any_of(truths[False]))))


def _carried(action: str) -> Carried:
    known = catalogue().action(action)
    names = {name.partition("/")[0].partition("${")[0].lower() for name in known.all_condition_keys} if known else None

    def doubt(key: str, values: Values) -> str:
        if not values or names is None or key.startswith("aws:") or key.partition("/")[0] in names:
            return ""
        return f"{action} is not known to carry {key}"

    return Carried({"aws:securetransport": ("true",)}, doubt, go_together)


_LETS_THE_ACCOUNT_IN: Final = NamedPolicy(
    "lets the account in",
    PolicyDocument.of(
        {
            "Version": "2012-10-17",
            "Statement": [
                {"Effect": "Allow", "Principal": {"AWS": _ACCOUNT}, "Action": "*", "Resource": "*"},
            ],
        }
    ),
)
"""The policy of a key or role, which leaves the rest to the caller's own policies."""


def _outcome(document: PolicyDocument, action: str, resource: str, context: dict[str, Values]) -> Outcome:
    partition = resource.split(":", 2)[1] if resource.startswith("arn:") else "aws"
    caller = principal_from_text(f"arn:{partition}:iam::{_ACCOUNT}:user/example")
    request = Request(caller, action, resource, _ACCOUNT, context, mode=Mode.STRICT)
    policies = PoliciesInForce(identity=(NamedPolicy("document", document),), resource=_LETS_THE_ACCOUNT_IN)
    return evaluate(request, policies).outcome
