"""Single resources that speak for all of a set.

Statements tell resources apart by their Resource and NotResource elements alone, so that two resources that the same
entries match are answered the same. A set is settled by one resource for each way in which its resources are matched.
Such a witness is made up: it need not exist, and is never shown.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any, Final, NamedTuple

from iamtui.evaluation.asked import Asked
from iamtui.evaluation.decision import Layer
from iamtui.evaluation.layers import reached_as, reaches
from iamtui.evaluation.policy_set import Member, PolicySet
from iamtui.evaluation.reading import Evaluation, principal_rules
from iamtui.evaluation.variables import replaced
from iamtui.policy.action import ActionName
from iamtui.policy.compiled import CompiledStatement
from iamtui.policy.formula import Truth
from iamtui.policy.pattern import Glob, Token, Unresolved, Wild, request_tokens
from iamtui.policy.pattern_walk import PatternTest, Texts, texts_apart
from iamtui.policy.resource import Patterns, Reach, ResourceMatcher

_ARN_FIELDS: Final = 5
_MADE_UP: Final = "\ue000\ue000\ue000"
"""What a star of a pattern stands for in a likely witness: nothing that another pattern names."""
_MOST_LIKELY: Final = 4
_MOST_ENTRIES: Final = 32
"""How many entries of a statement a likely witness is looked for in."""
_MOST_REMEMBERED: Final = 4096
_MOST_WALKS: Final = 512
_NOT_LOOKED_FOR: Final = ""
"""Stands for a statement for which no resource was looked for; no resource is named so."""

_SOMETHING: Final[tuple[Token, ...]] = (Wild.FIELD_ONE, Wild.FIELD_STAR)


class Shape(NamedTuple):
    """What every resource that a set can be about is named like: an ARN with partition, service and name.

    Args:
        partition: that of the caller, which reaches no other, or "" for any.
        services: what the action's resources have in their service field; () for any.
    """

    partition: str
    services: tuple[str, ...]

    def patterns(self) -> tuple[tuple[Token, ...], ...]:
        """The shape as patterns, of which one matches."""
        partition = tuple(self.partition) or _SOMETHING
        return tuple(
            (*"arn:", *partition, ":", *service, ":", Wild.FIELD_STAR, ":", Wild.FIELD_STAR, ":", Wild.ONE, Wild.STAR)
            for service in map(tuple, self.services or (_SOMETHING,))
        )

    def has(self, entry: str) -> bool:
        """Whether an entry of a policy is seen at once to name resources of this shape."""
        fields = entry.split(":", _ARN_FIELDS)
        if len(fields) <= _ARN_FIELDS:
            return False
        arn, partition, service, _, _, name = fields
        return (
            arn == "arn"
            and bool(partition and service and name)
            and (not self.partition or partition in ("*", self.partition))
            and (not self.services or service == "*" or service in self.services)
        )


def shape_of(asked: Asked, partition: str) -> Shape:
    """The shape of the resources that a question about a set is about.

    Args:
        partition: that of the caller's ARN, or "".
    """
    return Shape(partition, asked.prepared.facts.arn_services)


def may_differ(reading: Evaluation) -> bool:
    """Whether resources of the set may be answered differently, so that one of them has to be found.

    They are not where nothing but Allow statements of the caller's own policies speaks of some resources alone.
    """
    shape = _shape(reading)
    return any(speaks_of_some_alone(layer, policies, reading.asked, shape) for layer, _, policies in reading.sets())


def _shape(reading: Evaluation) -> Shape:
    return shape_of(reading.asked, reading.facts.partition)


def speaks_of_some_alone(layer: Layer, policies: PolicySet, asked: Asked, shape: Shape) -> bool:
    """Whether policies make some resources of the set differ from others; see `may_differ`."""
    known = asked.of_set.limits
    found = known.get(policies)
    if found is None:
        if len(known) >= _MOST_REMEMBERED:
            known.clear()
        found = known[policies] = _speaks_of_some_alone(layer, policies, asked.action, shape)
    return found


def _speaks_of_some_alone(layer: Layer, policies: PolicySet, action: ActionName, shape: Shape) -> bool:
    for member in policies.in_any_order(action.service):
        if member.is_about(action):
            compiled = member.compiled
            grants = layer is Layer.IDENTITY and compiled.allows
            if not compiled.any_resource and not (grants and _names_resources(compiled, shape)):
                return True
    return False


def _names_resources(compiled: CompiledStatement, shape: Shape) -> bool:
    """Whether each entry of a statement stands for resources of the shape for certain."""
    element = compiled.resource
    return (
        element.matcher is not None
        and not element.negated
        and not element.matcher.variable_keys
        and all(map(shape.has, element.matcher.texts))
    )


def likely(reading: Evaluation) -> Iterator[str]:
    """Witnesses that are quickly made, one for each statement that grants: mostly one is allowed if any is."""
    tried: set[str] = set()
    for text in _each_likely(reading):
        if text not in tried:
            tried.add(text)
            if _is_of_the_set(text, reading):
                yield text
        if len(tried) == _MOST_LIKELY:
            return


def _each_likely(reading: Evaluation) -> Iterator[str]:
    for scanned in (reading.identity, reading.resource):
        for match in scanned.matches if scanned is not None else ():
            text = _of_statement(match.statement, reading) if match.statement.allows else None
            if text is not None:
                yield text
    yield any_of_set(reading)


def _of_statement(compiled: CompiledStatement, reading: Evaluation) -> str | None:
    """A resource of the set that a statement seems to be about, or None."""
    matcher = compiled.resource.matcher
    if matcher is None or compiled.any_resource or compiled.resource.negated:
        return any_of_set(reading)
    known = reading.asked.of_set.likely
    kept = known.get(matcher, _NOT_LOOKED_FOR)
    if kept != _NOT_LOOKED_FOR:
        return kept
    if matcher.hits_set(reading.prepared.resource, Reach.COVERS, reading.context, reading.language) is True:
        found: str | None = any_of_set(reading)
    else:
        made = (_made_of(entry, reading) for entry in matcher.texts[:_MOST_ENTRIES])
        found = next((text for text in made if text is not None), None) or _in_common(matcher, reading)
    if not matcher.variable_keys:
        if len(known) >= _MOST_REMEMBERED:
            known.clear()
        known[matcher] = found
    return found


def _made_of(entry: str, reading: Evaluation) -> str | None:
    """A resource of the set that an entry seems to name, or None."""
    whole = replaced(entry, reading.context, is_resource=True) if "${" in entry else entry
    if isinstance(whole, Unresolved):
        return None
    text = whole.replace("*", _MADE_UP).replace("?", _MADE_UP[0])
    return text if _is_of_the_set(text, reading) else None


def _in_common(matcher: ResourceMatcher, reading: Evaluation) -> str | None:
    """A resource of the set that an entry names for certain, where it takes more than filling in its wildcards."""
    certain = PatternTest(matcher.patterns(reading.context, reading.language).certain, must=True)
    return next(iter(texts_apart((*_of_the_set(reading.prepared.resource.text, _shape(reading)), certain)).texts), None)


def any_of_set(reading: Evaluation) -> str:
    """A resource of the set that no entry names."""
    asked = reading.prepared.resource.text
    if asked != "*":
        lacking = _ARN_FIELDS - asked.count(":") if asked.endswith("*") else 0
        return asked.replace("*", _MADE_UP) + f":{_MADE_UP}" * lacking
    partition, services = _shape(reading)
    service = services[0] if services else reading.asked.action.service
    return f"arn:{partition or 'aws'}:{service}:{_MADE_UP}:{_MADE_UP}:{_MADE_UP}"


class _Said(NamedTuple):
    """A statement that matches if the resource does: its place among the layers, and what it waits for besides."""

    place: int
    layer: Layer
    member: Member
    reached: tuple[Any, ...]
    holds: Truth
    patterns: Patterns | None

    @property
    def grants(self) -> bool:
        return self.layer in (Layer.IDENTITY, Layer.RESOURCE) and self.member.compiled.allows

    @property
    def is_certain(self) -> bool:
        return self.holds is True and True in self.reached


def told_apart(reading: Evaluation, *, denied_too: bool) -> Texts:
    """A witness for each way in which what is granted of the set is matched.

    Args:
        denied_too: whether those count that a Deny matches for certain, each Deny for itself.
    """
    statements = tuple(_statements(reading))
    known = reading.asked.of_set.walks
    key = (denied_too, reading.side.is_root, _unknown_grants(reading), reading.resource_denies_ignored, statements)
    found = known.get(key)
    if found is None:
        if len(known) >= _MOST_WALKS:
            known.clear()
        found = known[key] = texts_apart(tuple(_tests(reading, statements, denied_too=denied_too)))
    assert isinstance(found, Texts)
    return found


def _statements(reading: Evaluation) -> Iterator[_Said]:
    for place, (layer, _, policies) in enumerate(reading.sets()):
        rules = principal_rules(reading, of_resource=layer is Layer.RESOURCE)
        for member in policies.about(reading.asked.action):
            compiled = member.compiled
            reached: tuple[Any, ...] = (True,)
            if layer is Layer.RESOURCE:
                strengths = reached_as(compiled, reading.caller, rules)
                reached = (*strengths, *strengths.values())
            elif layer in (Layer.RCP, Layer.VPC_ENDPOINT):
                applies = reaches(compiled, reading.caller, layer, rules)
                reached = () if applies is False else (applies,)
            holds = compiled.holds(reading.context) if reached else False
            if holds is False:
                continue
            matcher = compiled.resource.matcher
            varies = matcher is not None and matcher.variable_keys
            patterns = matcher.patterns(reading.context, reading.language) if matcher is not None and varies else None
            yield _Said(place, layer, member, reached, holds, patterns)


def _unknown_grants(reading: Evaluation) -> bool:
    """Whether a policy that may grant is not known."""
    return any(scanned is not None and scanned.missing for scanned in (reading.identity, reading.resource))


def _tests(reading: Evaluation, statements: tuple[_Said, ...], *, denied_too: bool) -> Iterator[PatternTest]:
    """What tells the resources of the set apart; statements that come to the same are one test."""
    yield from _of_the_set(reading.prepared.resource.text, _shape(reading))
    grants_anything = (
        reading.side.is_root
        or _unknown_grants(reading)
        or any(_is_about_all(said) for said in statements if said.grants)
    )
    allowed: dict[tuple[Any, ...], list[tuple[Token, ...]]] = {}
    granting: set[tuple[Any, ...]] = set()
    denied: list[tuple[Token, ...]] = []
    for said in statements:
        compiled = said.member.compiled
        element = compiled.resource
        matcher = element.matcher
        if matcher is None or not matcher.texts or _is_about_all(said) or (element.negated and matcher.invalid):
            continue
        if compiled.allows and said.layer is Layer.RCP:
            continue
        if not compiled.allows and said.layer is Layer.RESOURCE and reading.resource_denies_ignored:
            continue
        certain, possible = said.patterns or matcher.patterns(reading.context, reading.language)
        counts = said.grants and not grants_anything
        out = not compiled.allows and said.is_certain and not denied_too
        if element.negated:
            if out:
                yield PatternTest((*certain, *possible), negated=True, must=False)
            if not out or possible:
                yield PatternTest(certain, negated=True, one_of=counts)
        elif out:
            denied.extend(certain)
        elif compiled.allows:
            key = (said.place, said.reached, said.holds)
            allowed.setdefault(key, []).extend(certain)
            if counts:
                granting.add(key)
        else:
            yield PatternTest(certain)
        for pattern in possible:
            yield PatternTest((pattern,), one_of=counts and not element.negated)
    for key, patterns in allowed.items():
        yield PatternTest(tuple(patterns), one_of=key in granting)
    yield PatternTest(tuple(denied), must=False)


def _is_about_all(said: _Said) -> bool:
    element = said.member.compiled.resource
    return said.member.compiled.any_resource or (element.matcher is None and element.implied)


@lru_cache(maxsize=256)
def _of_the_set(asked: str, shape: Shape) -> tuple[PatternTest, ...]:
    """That a text is a resource of the set: one of the shape, unless there is none in it, or at least an ARN."""
    whole = PatternTest((request_tokens(asked),), must=True)
    for wanted in (shape, Shape("", ())):
        test = PatternTest(wanted.patterns(), must=True)
        if texts_apart((whole, test)).texts:
            return (whole, test)
    return (whole,)


@lru_cache(maxsize=256)
def _globs_of_the_set(asked: str, shape: Shape) -> tuple[tuple[Glob, ...], ...]:
    return tuple(tuple(map(Glob, test.patterns)) for test in _of_the_set(asked, shape))


def _is_of_the_set(text: str, reading: Evaluation) -> bool:
    tests = _globs_of_the_set(reading.prepared.resource.text, _shape(reading))
    return all(any(glob.matches(text) for glob in globs) for globs in tests)
