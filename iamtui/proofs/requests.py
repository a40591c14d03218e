"""Search for a request that a principal can make, to any resource of some, in any context: one, or none.

The evaluator itself reads every layer, for one resource after the other: those that speak for all by the patterns of
the statements in force. What it leaves open is a formula over condition keys, of which `contexts` finds a solution.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import chain, islice
from typing import Final, NamedTuple

from msgspec import structs

from iamtui.catalog.actions import ENGINE_CATALOGUE, catalogue, is_of_another_resource
from iamtui.catalog.arn_forms import resource_types_of
from iamtui.catalog.between_accounts import call_limit, gift_limit
from iamtui.catalog.tables import REGIONS
from iamtui.engine.combined_layers import Evaluation
from iamtui.engine.condition_words import LAYER_NAMES
from iamtui.engine.decision import Layer
from iamtui.engine.evaluator import read_all_layers, read_the_other_way
from iamtui.engine.possible_requests import (
    KNOWN_REGIONS,
    Occasion,
    Values,
    proper_key,
    why_impossible,
    why_no_resource,
)
from iamtui.engine.representatives import ArnDefaults, spellings
from iamtui.engine.request import PoliciesInForce, Request
from iamtui.engine.service_rules import granted_by_acl, telling_resources_apart
from iamtui.policy.context import MissingLeaf, RequestContext, Truth, all_of, any_of, negate
from iamtui.policy.document import Statement
from iamtui.policy.patterns import Glob, Token, Wild, is_pattern, parse_pieces, tokens_of
from iamtui.policy.statement import ActionElement, CompiledStatement, action_name
from iamtui.policy.types import LanguageOptions
from iamtui.proofs.contexts import ANYTHING, TAGS_OF_PRINCIPAL, Carried, Doubt, FoundContext, find_context
from iamtui.proofs.texts import ANY_OTHER, Bounds, GroupKind, PatternGroup, Unproved, representative_strings
from iamtui.text import safe_text

_MOST_SPELLINGS: Final = 48
_MOST_PLACES: Final = 8
_STAR_IN_A_NAME: Final = "a policy names a resource with a star in its name"
_STEPS_OF_READING: Final = 200

GRANTED_BESIDE: Final = ("S3 access control lists", "grants on KMS keys")
"""Grants beside policies, which are not read."""


@dataclass(frozen=True)
class Situation:
    """Requests that differ in resource and context alone.

    Args:
        request: in discover mode; its resource is one of them, or "*" where there is no other.
        policies: what is in force on all of them.
        within: sets of patterns; a resource matches some pattern of each. () where there is the one of the request.
        without: what no resource matches.
        carried: what is known of the contexts.
        region: the Region that examples are in where nothing says another.
        before: the same before a change, of which only what it newly allows is of interest; None: all that is allowed.
        by_policies: whether only what policies say counts, and not what may be granted beside them.
    """

    request: Request
    policies: PoliciesInForce
    within: tuple[tuple[tuple[Token, ...], ...], ...] = ()
    without: tuple[tuple[Token, ...], ...] = ()
    carried: Carried = ANYTHING
    region: str = ""
    before: Situation | None = None
    by_policies: bool = False


def without_session_tags(situation: Situation) -> Situation:
    """The same of a session of a role that has no tags but those of the role."""
    request, before = situation.request, situation.before
    tags = {key: values for key, values in situation.carried.likely.items() if key.startswith(TAGS_OF_PRINCIPAL)}
    untagged = structs.replace(
        request, derived=(*request.derived, tags), known_absent=(*request.known_absent, f"{TAGS_OF_PRINCIPAL}*")
    )
    return replace(situation, request=untagged, before=None if before is None else without_session_tags(before))


@dataclass(frozen=True)
class Example:
    """A request that is allowed: the resource, and the keys of the context that matter."""

    resource: str
    context: dict[str, Values]


def find_request(situation: Situation, bounds: Bounds) -> Example | Doubt | None:
    """A request that is allowed; None: there is none.

    Raises:
        Unproved: it takes too long, or too much.
    """
    doubts: dict[str, None] = {}
    elsewhere = False
    for text in _resources(situation, bounds):
        bounds.spend(_STEPS_OF_READING)
        if "*" in text and text != "*":
            doubts[_STAR_IN_A_NAME] = None
            continue
        reading = _about(situation, text)
        found = _context_for(reading, text, situation, bounds)
        if isinstance(found, FoundContext):
            example = _spelled(situation, text, reading, found, bounds)
            if example is not None:
                return example
            found = Doubt((f"only a resource like {text.replace(ANY_OTHER, '?')} is known to be allowed",))
            elsewhere = elsewhere or region_of(text) not in ("", *KNOWN_REGIONS)
        if found is not None:
            doubts.update(dict.fromkeys(found.reasons))
        if situation.before is None:
            doubts.update(dict.fromkeys(_left_open(reading, situation, text, bounds)))
    if elsewhere and IN_REGIONS not in situation.within:
        # The shortest names of Regions are those of none that is known.
        again = find_request(replace(situation, within=(*situation.within, IN_REGIONS)), bounds)
        if isinstance(again, Example):
            return again
    return Doubt(tuple(doubts)) if doubts else None


IN_REGIONS: Final = tuple(
    (*f"arn:{partition}:", Wild.FIELD_STAR, ":", *region, ":", Wild.STAR)
    for partition, regions in REGIONS.items()
    for region in sorted(regions)
)


def region_of(text: str) -> str:
    return text.split(":", 4)[3] if text.count(":") > 3 else ""


_OF_CALLER: Final = frozenset(
    ("aws:principalarn", "aws:principalaccount", "aws:principaltype", "aws:principalisawsservice", "aws:username")
)


def _deciding(reading: Evaluation) -> dict[str, Values]:
    """Known values of the keys in statements about the resource, but for the caller's own."""
    known: dict[str, Values] = {}
    resource, context = reading.prepared.resource, reading.context
    for _, _, member in reading.statements():
        compiled = member.compiled
        about = compiled.matches_resource(resource, context, reading.language, everywhere=False)
        if about is False:
            continue
        for line in compiled.statement.conditions:
            values = context.lookup(line.key.lower())
            if isinstance(values, tuple) and line.key.lower() not in _OF_CALLER:
                known[proper_key(line.key)] = values
    return known


def _left_open(reading: Evaluation, situation: Situation, text: str, bounds: Bounds) -> Iterator[str]:
    """The points of AWS's documentation that would allow more, read the other way."""
    for _, point, other in read_the_other_way(reading):
        bounds.spend(_STEPS_OF_READING)
        is_other = other.total is not False and other.total != reading.total
        if is_other and isinstance(_context_for(other, text, situation, bounds), FoundContext):
            yield f"AWS leaves open {point}"


def _about(situation: Situation, text: str) -> Evaluation:
    if "*" in text and text != "*":
        raise Unproved(_STAR_IN_A_NAME)
    return read_all_layers(structs.replace(situation.request, resource=text), situation.policies)


def _is_found(situation: Situation, reading: Evaluation, text: str, *, by_policies: bool = False) -> Truth:
    """Truth of a request being one that is looked for.

    Args:
        by_policies: whether only what policies say counts, and not what is not read beside them.
    """
    readings = [reading] if situation.before is None else [reading, _about(situation.before, text)]
    found = [one.total if by_policies or situation.by_policies else _may_be_allowed(one) for one in readings]
    return all_of((found[0], *map(negate, found[1:])))


def _may_be_allowed(reading: Evaluation) -> Truth:
    """Truth of the request being allowed, by policies or by grants beside them that are not read."""
    besides = reading.prepared
    by_acl = besides.on_plain_bucket and granted_by_acl(besides.action)
    if reading.refused is not None or not (by_acl or besides.key):
        return reading.total
    grant = MissingLeaf(GRANTED_BESIDE[0 if by_acl else 1], "")
    return any_of((reading.total, all_of((negate(reading.deny), reading.caps, grant))))


def _context_for(reading: Evaluation, text: str, situation: Situation, bounds: Bounds) -> FoundContext | Doubt | None:
    carried = situation.carried
    region = region_of(text)
    likely = dict(carried.likely)
    action, resource = situation.request.action, without_open_parts(text)
    if region in KNOWN_REGIONS:
        likely["aws:requestedregion"] = (region,)

    def doubt(key: str, values: Values) -> str:
        if values and is_of_another_resource(action, resource, key):
            return f"AWS checks {safe_text(resource, limit=200)} without {proper_key(key)}"
        return carried.doubt(key, values)

    truth = _is_found(situation, reading, text)
    known = replace(carried, likely=likely, doubt=doubt, occasion=_occasion(situation, resource))
    found = find_context(truth, reading.context, bounds, known)
    if isinstance(found, Doubt) and situation.before is not None:
        by_policies = find_context(
            _is_found(situation, reading, text, by_policies=True), reading.context, bounds, known
        )
        found = by_policies if isinstance(by_policies, FoundContext) else found
    if not isinstance(found, FoundContext):
        return found
    # What is allowed as far as it is loaded may be denied by what is not; the policy of a resource is asked for apart.
    missing = [
        f"{LAYER_NAMES[layer].noun}: {why.reason}"
        for layer, why in reading.not_evaluated.items()
        if layer is not Layer.RESOURCE
    ]
    return Doubt(tuple(missing)) if missing else found


def without_open_parts(text: str) -> str:
    """A resource that speaks for others as an ARN: with a letter for each open character, and no unknown Region."""
    fields = text.replace(ANY_OTHER, "x").split(":")
    if region_of(text) not in KNOWN_REGIONS and len(fields) > 4:
        # Which it is comes with the spelling.
        fields[3] = ""
    return ":".join(fields)


def _occasion(situation: Situation, resource: str) -> Occasion:
    return replace(situation.carried.occasion or Occasion(), action=situation.request.action, resource=resource)


def _inside(situation: Situation) -> Callable[[str], bool]:
    """Predicate of resources that can exist and lie within the question."""
    within = [[Glob(tokens) for tokens in patterns] for patterns in situation.within]
    without = [Glob(tokens) for tokens in situation.without]

    def is_inside(text: str) -> bool:
        if not all(any(glob.matches(text) for glob in each) for each in within):
            return False
        return not (any(glob.matches(text) for glob in without) or why_no_resource(text))

    return is_inside


def _spelled(
    situation: Situation, text: str, reading: Evaluation, found: FoundContext, bounds: Bounds
) -> Example | None:
    """The resource in the characters that names have, as far as the answer stays the same, and a context for it."""
    region = found.values.get("aws:RequestedRegion", (situation.region,))
    around = ArnDefaults(reading.prepared.action.service, region[0] if region else "")
    is_inside = _inside(situation)
    truth = _is_found(situation, reading, text)
    # Most names have no empty part between two slashes.
    full = text.replace("//", f"/{ANY_OTHER}/") if situation.within else text
    ways = (spellings(one, around) if ANY_OTHER in one else (one,) for one in dict.fromkeys((full, text)))
    given = {key.lower(): values for key, values in found.values.items()}
    elsewhere: list[str] = []
    for spelled in dict.fromkeys(spelled for each in ways for spelled in islice(each, _MOST_SPELLINGS)):
        if not is_inside(spelled):
            continue
        if spelled == text or _is_found(situation, _about(situation, spelled), spelled) == truth:
            if not why_impossible(given, _occasion(situation, spelled)):
                return Example(spelled, {**_deciding(reading), **found.values})
            elsewhere.append(spelled)
    # The Region and account of these are others than those of the context.
    for spelled in elsewhere[:_MOST_PLACES]:
        there = _about(situation, spelled)
        context = _context_for(there, spelled, situation, bounds)
        if isinstance(context, FoundContext):
            return Example(spelled, {**_deciding(there), **context.values})
    return None


def _resources(situation: Situation, bounds: Bounds) -> Iterator[str]:
    """Resources that speak for all."""
    if not situation.within:
        yield situation.request.resource
        return
    groups = [PatternGroup(GroupKind.MUST, patterns) for patterns in situation.within]
    if situation.without:
        groups.append(PatternGroup(GroupKind.NEVER, situation.without))
    first = next(representative_strings(groups, bounds), None)
    if first is None:
        return
    reading = _about(situation, first[0])
    groups += _groups_of_reading(reading)
    if situation.before is not None:
        groups += (group.turned for group in _groups_of_reading(_about(situation.before, first[0])))
    groups += (
        PatternGroup(GroupKind.TELLS, (glob.tokens,)) for glob in telling_resources_apart(reading.prepared.action)
    )
    # Some keys are carried by the checks of some types of resources alone.
    keys = {line.key for _, _, member in reading.statements() for line in member.compiled.statement.conditions}
    for form in chain.from_iterable(situation.within):
        one = "".join(token if isinstance(token, str) else "x" for token in form)
        if any(is_of_another_resource(situation.request.action, one, key) for key in keys):
            groups.append(PatternGroup(GroupKind.TELLS, (form,)))
    yield from (text for text, _ in representative_strings(groups, bounds))


def _groups_of_reading(reading: Evaluation) -> Iterator[PatternGroup]:
    statements = (
        (place if layer in (Layer.RESOURCE, Layer.RCP) else id(scanned), member.compiled)
        for place, (layer, scanned, member) in enumerate(reading.statements())
    )
    return groups_of(statements, reading.context, reading.language)


def groups_of(
    statements: Iterable[tuple[Hashable, CompiledStatement]], context: RequestContext, language: LanguageOptions
) -> Iterator[PatternGroup]:
    """Patterns that distinguish the resources of statements, where Allows help and Denies hurt.

    Args:
        statements: each with what it has to have in common with others to be taken for one.
    """
    together: dict[Hashable, tuple[GroupKind, dict[tuple[Token, ...], None]]] = {}
    for same, compiled in statements:
        element = compiled.resource
        matcher = element.matcher
        if matcher is None or matcher.has_star or (element.negated and matcher.invalid):
            continue
        certain, possible = matcher.patterns(context, language)
        kind = GroupKind.HELPS if compiled.allows is not element.negated else GroupKind.HURTS
        # Of NotResource each statement is about what none of its own entries names.
        key = (same, compiled.allows, compiled.conditions, id(compiled) if element.negated else None)
        together.setdefault(key, (kind, {}))[1].update(dict.fromkeys(certain))
        for number, tokens in enumerate(possible):
            together[key, id(compiled), number] = (kind, {tokens: None})
    for kind, patterns in together.values():
        if patterns:
            yield PatternGroup(kind, tuple(patterns))


def services_named(statement: Statement) -> frozenset[str]:
    """The services in the resources and condition keys of a statement, which its actions need not name."""
    entries = (*(statement.resources or ()), *(statement.not_resources or ()))
    named = {entry.split(":", 3)[2] for entry in entries if entry.count(":") > 2}
    named |= {line.key.partition(":")[0].lower() for line in statement.conditions}
    return frozenset(service for service in named if catalogue().actions_of(service))


class ActionClass(NamedTuple):
    """Actions with the same answer: the one that is evaluated, and those known of all."""

    action: str
    names: tuple[str, ...]


def action_classes(
    patterns: Sequence[str], elements: Sequence[ActionElement], *, by_documents_alone: bool = False
) -> Iterator[ActionClass]:
    """Classes of the actions that match patterns, each with one to evaluate, unknown ones among them.

    Args:
        patterns: actions, or patterns of one service each.
        elements: the Action and NotAction elements that tell them apart.
        by_documents_alone: whether no rule of a service has a say.
    """
    classes: dict[object, list[str]] = {}
    telling: dict[str, list[ActionElement]] = {}
    for action in dict.fromkeys(action for pattern in patterns for action in _known_actions(pattern)):
        name = action_name(action)
        if name.service not in telling:
            telling[name.service] = _telling(elements, name.service)
        told = tuple(element.matches(name) for element in telling[name.service])
        classes.setdefault((told, _kind_of(action, by_documents_alone=by_documents_alone)), []).append(action)
    ordered = [sorted(found, key=_how_rare) for found in classes.values()]
    services = list(dict.fromkeys(action_name(found[0]).service for found in ordered))
    for found in sorted(ordered, key=lambda one: (services.index(action_name(one[0]).service), _how_rare(one[0]))):
        yield ActionClass(found[0], tuple(found))
    for pattern in patterns:
        yield from (ActionClass(action, ()) for action in _unknown_actions(pattern, elements))


_WORD: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z][a-z]+|[a-z]+|\d+")


@lru_cache(maxsize=512)
def _how_often(service: str) -> Mapping[str, int]:
    """How many actions of a service have a word in their names."""
    return Counter(word for action in catalogue().actions_of(service) for word in set(_WORD.findall(action)[1:]))


@lru_cache(maxsize=32_768)
def _how_rare(action: str) -> tuple[bool, int, int, str]:
    """The place of an action among those of its service: what reads first, then few words that many others have, too.

    GetObject comes before InitiateReplication, ReceiveMessage before DeleteQueue.
    """
    service, _, name = action.partition(":")
    words = _WORD.findall(name)
    often = _how_often(service.lower())
    info = catalogue().action(action)
    reads = info is not None and not {"Read", "List"}.isdisjoint(info.access_levels)
    return not reads, max(len(words), 2), -sum(often.get(word, 0) for word in words), name


def _telling(elements: Sequence[ActionElement], service: str) -> list[ActionElement]:
    """The elements that tell actions of a service apart: some of these they match, and others not."""
    return [element for element in elements if element.whole_service(service) is None]


def _known_actions(pattern: str) -> Sequence[str]:
    service, _, name = pattern.partition(":")
    if name == "*":
        return catalogue().actions_of(service.lower())
    return catalogue().expand(pattern) if is_pattern(pattern) else [pattern]


_ONE_BY_ONE: Final = frozenset(("iam", "kms", "sts", "ec2", "es", "logs", "codeartifact", "lambda", "glue", "s3"))
"""The services of which something else than policies and types of resources tells actions apart."""


@lru_cache(maxsize=32_768)
def _kind_of(action: str, *, by_documents_alone: bool) -> object:
    """Properties that distinguish actions besides the statements about them."""
    known = ENGINE_CATALOGUE
    name = action_name(action)
    with_rules = name.service in _ONE_BY_ONE and not by_documents_alone
    if with_rules or known.synthetic_resource(action, "", "") is not None:
        return action
    return (
        name.service,
        gift_limit(name.service, name.name),
        call_limit(name.service, name.name),
        known.has_resource_type(action),
        known.arn_forms(action),
        known.required_arn_forms(action),
        known.needs(action),
        resource_types_of(action),
    )


def _unknown_actions(pattern: str, elements: Sequence[ActionElement]) -> Iterator[str]:
    """Names that the catalogue lacks, one for each way in which statements tell them apart."""
    service, name, _ = action_name(pattern)
    if not is_pattern(name):
        return
    groups = [
        PatternGroup(GroupKind.MUST, (tokens_of(parse_pieces(name, variables=False)),)),
        PatternGroup(GroupKind.MUST, ((Wild.ONE, Wild.STAR),)),
    ]
    elements = _telling(elements, service)
    for element in elements:
        names = element.names_of(service)
        patterns = [*map(tuple, names.exact), *((*prefix, Wild.STAR) for prefix in names.prefixes)]
        groups.append(PatternGroup(GroupKind.TELLS, (*patterns, *(glob.tokens for glob in names.globs))))
    for text, _ in representative_strings(groups, Bounds()):
        told = [element.matches(action_name(f"{service}:{text}")) for element in elements]
        for letters in ("x", "q", "xq", "zzx", "Unknown"):
            action = f"{service}:{text.replace(ANY_OTHER, letters)}" if ANY_OTHER in text else f"{service}:{text}"
            same = [element.matches(action_name(action)) for element in elements] == told
            if same and not catalogue().knows(action):
                yield action
                break
