"""Reading policies that are nobody's own: SCPs and RCPs level by level, and those of a VPC endpoint."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from iamtui.engine.decision import Layer
from iamtui.engine.layer_scan import LayerScan, scan
from iamtui.engine.policies import NotEvaluated, PolicyInForce, PolicyLevel
from iamtui.engine.policy_set import PolicySet, policy_set
from iamtui.engine.prepared_request import PreparedRequest
from iamtui.policy.compiled import CompiledStatement
from iamtui.policy.context import RequestContext
from iamtui.policy.truth import Truth
from iamtui.policy.types import DEFAULT_LANGUAGE_OPTIONS, LanguageOptions, PolicyType


@dataclass(frozen=True, slots=True)
class LevelScan:
    """What the SCPs or RCPs of one level say."""

    index: int
    name: str | None
    scan: LayerScan


class LevelsScan:
    """What all levels say together.

    Args:
        levels: level by level, those that are not loaded left out.
        denies: what some level may deny, where that is not False.
        caps: what some level may not allow, where that is not True.
    """

    __slots__ = ("caps", "denies", "levels")

    def __init__(self, levels: tuple[LevelScan, ...]) -> None:
        self.levels = levels
        self.denies = tuple(level.scan.deny for level in levels if level.scan.deny is not False)
        self.caps = tuple(level.scan.allow for level in levels if level.scan.allow is not True)


class LevelStack:
    """Policies on several levels, ready to be read together."""

    __slots__ = ("layer", "levels", "not_loaded")

    def __init__(
        self,
        layer: Layer,
        levels: tuple[tuple[int | None, str | None, PolicySet], ...],
        not_loaded: NotEvaluated | None = None,
    ) -> None:
        """Take levels.

        Args:
            levels: for each its index and name, and its policies.
            not_loaded: why a level is not among them, or None.
        """
        self.layer = layer
        self.levels = levels
        self.not_loaded = not_loaded

    def scan(
        self, asked: PreparedRequest, context: RequestContext, reached: Callable[[CompiledStatement], Truth]
    ) -> LevelsScan:
        """Read the levels.

        Args:
            reached: whether the principals of a statement include the caller; asked only where they are looked at.
        """
        looked_at = None if self.layer is Layer.SCP else reached
        return LevelsScan(
            tuple(
                LevelScan(index or 0, name, scan(self.layer, policies, asked, context, level=index, reached=looked_at))
                for index, name, policies in self.levels
            )
        )


_MOST_REMEMBERED: Final = 256
_remembered: dict[tuple[int, Layer], tuple[tuple[PolicyLevel, ...] | tuple[PolicyInForce, ...], LevelStack]] = {}


def level_stack(
    layer: Layer, levels: tuple[PolicyLevel, ...], language: LanguageOptions, *, lasting: bool
) -> LevelStack:
    """The levels of SCPs or RCPs, ready to be read.

    Args:
        lasting: whether to remember them for as long as the same tuple is asked about.
    """
    if not lasting or language is not DEFAULT_LANGUAGE_OPTIONS:
        return _stack(layer, levels, language, lasting=lasting)
    key = (id(levels), layer)
    found = _remembered.get(key)
    if found is not None and found[0] is levels:
        return found[1]
    if len(_remembered) >= _MOST_REMEMBERED:
        _remembered.clear()
    made = _stack(layer, levels, language, lasting=True)
    # The levels are kept beside what was made of them, so their id cannot be reused while it is a key here.
    _remembered[key] = (levels, made)
    return made


def _stack(layer: Layer, levels: tuple[PolicyLevel, ...], language: LanguageOptions, *, lasting: bool) -> LevelStack:
    policy_type = PolicyType.SCP if layer is Layer.SCP else PolicyType.RCP
    not_loaded = next((level.not_loaded for level in levels if level.not_loaded is not None), None)
    loaded = tuple(
        (index, level.name, policy_set(level.policies, policy_type, language, index, lasting=lasting))
        for index, level in enumerate(levels)
        if level.not_loaded is None
    )
    return LevelStack(layer, loaded, not_loaded)


def endpoint_stack(policies: tuple[PolicyInForce, ...], language: LanguageOptions, *, lasting: bool) -> LevelStack:
    found = policy_set(policies, PolicyType.VPC_ENDPOINT, language, lasting=lasting)
    return LevelStack(Layer.VPC_ENDPOINT, ((None, None, found),))
