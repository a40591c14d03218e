"""Actions in classes of which one speaks for all, names that AWS may add among them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Final, NamedTuple

from iamtui.catalog.actions import ENGINE_CATALOGUE, catalogue
from iamtui.catalog.arn_forms import resource_types_of
from iamtui.policy.patterns import Wild, is_pattern, parse_pieces, tokens_of
from iamtui.policy.statement import ActionElement, action_name
from iamtui.proofs.texts import ANY_OTHER, Bounds, GroupKind, PatternGroup, speaking_texts

_SECONDS: Final = 5.0


class ActionClass(NamedTuple):
    """Actions that are answered alike: the one that is asked about, and those known of all."""

    action: str
    names: tuple[str, ...]


def action_classes(
    patterns: Sequence[str], elements: Sequence[ActionElement], *, by_documents_alone: bool = False
) -> Iterator[ActionClass]:
    """The actions that patterns stand for, in classes of which one is asked about, unknown ones among them.

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
    for found in classes.values():
        yield ActionClass(found[0], tuple(found))
    for pattern in patterns:
        yield from (ActionClass(action, ()) for action in _unknown_actions(pattern, elements))


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
    """What tells actions apart besides the statements about them."""
    known = ENGINE_CATALOGUE
    with_rules = action_name(action).service in _ONE_BY_ONE and not by_documents_alone
    if with_rules or known.synthetic_resource(action, "", "") is not None:
        return action
    return (
        action_name(action).service,
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
    groups = [PatternGroup(GroupKind.MUST, (tokens_of(parse_pieces(name, variables=False)),))]
    elements = _telling(elements, service)
    for element in elements:
        names = element.names_of(service)
        patterns = [*map(tuple, names.exact), *((*prefix, Wild.STAR) for prefix in names.prefixes)]
        groups.append(PatternGroup(GroupKind.TELLS, (*patterns, *(glob.tokens for glob in names.globs))))
    for text, _ in speaking_texts(groups, Bounds(_SECONDS)):
        told = [element.matches(action_name(f"{service}:{text}")) for element in elements]
        for letters in ("x", "q", "xq", "zzx", "Unknown"):
            action = f"{service}:{text.replace(ANY_OTHER, letters)}" if ANY_OTHER in text else f"{service}:{text}"
            same = [element.matches(action_name(action)) for element in elements] == told
            if same and not catalogue().knows(action):
                yield action
                break
