"""Answers to a question matrix: cells of one action on one resource, the worst of them, and what AWS never asks."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Final, Protocol, TypeVar

from msgspec import Struct

from iamtui.catalog.actions import ActionInfo, Knowledge, catalogue, knowledge
from iamtui.catalog.dependent_actions import Check
from iamtui.catalog.newer import without_effect
from iamtui.engine.calls.api_calls import iam_actions
from iamtui.engine.decision import Decision, severity
from iamtui.engine.request import Principal
from iamtui.policy.patterns import Arn, parse_arn
from iamtui.problem import Problem
from iamtui.questions.question import Question, QuestionMatrix
from iamtui.text import safe_text


def worst_of(decisions: Iterable[Decision]) -> Decision:
    """The worst of one or more decisions; of equals the first."""
    first, *others = decisions
    # How far a single decision reaches, which takes a whole reading, need not be found out.
    return min((first, *others), key=severity) if others else first


def worst_first(cells: Iterable[Cell]) -> list[Cell]:
    """Cells with the worst first, those alike in their order."""
    return sorted(cells, key=lambda cell: severity(cell.deciding))


class DependentAnswer(Struct, frozen=True):
    """Another authorization request that the same API call leads to (PassRole, tagging, KMS), answered.

    Args:
        check: what is checked, on what and when, in words.
        question: the request it was answered as.
        decides: whether every such call makes this check, so that it can decide; else it is for information.
    """

    check: Check
    question: Question
    decision: Decision
    decides: bool


class Cell(Struct, frozen=True):
    """One action on one resource.

    Args:
        pattern: what was typed where it is not the action itself: a pattern ("s3:Get*") or the name of an API
            call ("s3:HeadObject") that is authorized as this action; else "".
        decision: the answer to the action itself.
        companions: the other requests behind the same API call.
        deciding: the worst of the decision, of the companions that decide, and of the chain.
        fits: whether the resource can be one of this action's; where it cannot ("s3:ListBucket" of "s3:*" on an
            object), AWS never sees such a request, and the cell takes no part in the whole. Always true of an
            action that is written out and has none of the resources asked about.
        never_asked: why AWS never asks this (no such action, no such resource of it), so that the decision is
            about no real request; one sentence, or "".
    """

    question: Question
    pattern: str
    decision: Decision
    companions: tuple[DependentAnswer, ...]
    deciding: Decision
    fits: bool = True
    never_asked: str = ""


class _MayDecide(Protocol):
    """A cell, or the plan of one."""

    @property
    def fits(self) -> bool:
        """True if the resource can be one of the action's, or if none of the question's resources can."""

    @property
    def never_asked(self) -> str:
        """Why AWS never asks this, or ""."""


_T = TypeVar("_T", bound=_MayDecide)


def those_that_decide(cells: tuple[_T, ...]) -> tuple[_T, ...]:
    """The cells that decide about the whole: those that AWS may ask; where it asks none, those that fit, or all."""
    fitting = tuple(cell for cell in cells if cell.fits)
    return tuple(cell for cell in fitting if not cell.never_asked) or fitting or cells


class Answer(Struct, frozen=True):
    """The answer to a question matrix for one principal.

    Args:
        cells: row by row (actions, then resources), actions of a pattern in the catalogue's order.
        worst: the cell that decides about the whole (denied before depends before allowed in part before allowed).
        chain: whether the role in `chained_from` may assume the asking role, or None.
        cut: how many actions of a pattern were left out because they are too many to answer at once; where some
            were, an allowed whole says nothing of them.
    """

    question_matrix: QuestionMatrix
    principal: Principal
    cells: tuple[Cell, ...]
    worst: Cell
    chain: DependentAnswer | None = None
    cut: int = 0

    @property
    def taking_part(self) -> tuple[Cell, ...]:
        """The cells that decide about the whole: those that AWS may ask; where it asks none, those that fit, or all."""
        return those_that_decide(self.cells)

    @property
    def never_asked(self) -> tuple[str, ...]:
        """Why AWS never asks some of what was written out; one sentence each."""
        return tuple(dict.fromkeys(cell.never_asked for cell in self.cells if cell.fits and cell.never_asked))

    @property
    def counted(self) -> tuple[Cell, ...]:
        """The cells that are counted as allowed or not: those that decide, without what AWS never asks."""
        if len(self.cells) == 1:
            return self.cells
        return tuple(cell for cell in self.taking_part if not cell.never_asked)

    @property
    def is_ever_asked(self) -> bool:
        """True if AWS may check some of it; else it is misspelt, or not typed to its end."""
        return any(not never_asked(cell.question.action, cell.question.resource) for cell in self.taking_part)


_MOST_NEAREST: Final = 4


def never_asked(action: str, resource: str) -> str:
    """Why AWS never asks about an action on a resource, as far as the catalogue knows; "" where it may.

    Args:
        action: as AWS authorizes it ("service:Operation"), no pattern.
    """
    known = knowledge(action)
    if known is Knowledge.UNKNOWN:
        problem = unknown_action(action)
        return f"AWS never asks this: {problem}"
    info = catalogue().action(action)
    if known is Knowledge.NEWER or info is None:
        return ""
    if not info.arn_forms or fits(action, resource):
        return ""
    return f"AWS never asks this: {_what_it_is_about(info)}, which this resource is not."


def _what_it_is_about(info: ActionInfo) -> str:
    forms = [form.replace("${Partition}", "aws") for form in sorted(info.arn_forms, key=len)[:2]]
    return f"{info.name} is about {' or '.join(forms)}{' and more' if len(info.arn_forms) > 2 else ''}"


def unknown_action(action: str) -> Problem:
    """The refusal of an action that neither the catalogue nor the SDK's models know; names the nearest."""
    replaced = without_effect(action)
    if replaced:
        return Problem(safe_text(replaced))
    sentence = f"AWS has no action {safe_text(action)}, as far as is known here (action data of {catalogue().date})."
    called = iam_actions(*action.split(":", 1)) if ":" in action else ()
    if called:
        return Problem(sentence, f"The API call of that name is authorized by {' and '.join(called)}.")
    near = nearest_actions(action)
    return Problem(sentence, f"Nearest: {', '.join(near)}." if near else "")


def no_action_matches(pattern: str) -> Problem:
    """The refusal of a pattern that matches no action; names the nearest."""
    near = nearest_actions(pattern)
    hint = f"Nearest: {', '.join(near)}." if near else "See the actions of the service in its documentation."
    return Problem(f"{safe_text(pattern)} matches no action of AWS.", hint)


def nearest_actions(text: str) -> list[str]:
    """The actions (or services, as "iam:*") whose names are nearest to an action or a pattern of them."""
    service, _, name = text.partition(":")
    if not catalogue().is_service(service):
        services = [found.prefix for found in catalogue().services()]
        like = difflib.get_close_matches(service.lower(), services, n=_MOST_NEAREST, cutoff=0.7)
        same = [f"{prefix}:{name}" for prefix in like if catalogue().knows(f"{prefix}:{name}")]
        begin = [prefix for prefix in services if prefix.startswith(service.lower()[:2])]
        return (same or [prefix + ":*" for prefix in dict.fromkeys((*like, *begin))])[:_MOST_NEAREST]
    names = {found.split(":", 1)[1].lower(): found for found in catalogue().actions_of(service)}
    bare = "".join(c for c in name.lower() if c not in "*?")
    # What was typed may be the beginning of a longer name.
    by_length = [found[: max(len(bare), 1) + 1] for found in names]
    close = difflib.get_close_matches(bare, by_length, n=_MOST_NEAREST, cutoff=0.6)
    near = [full for full, short in zip(names, by_length, strict=True) if short in close]
    likeness = {full: difflib.SequenceMatcher(None, bare, full).ratio() for full in near}
    near.sort(key=likeness.__getitem__, reverse=True)
    return [names[full] for full in near[:_MOST_NEAREST]]


def fits(action: str, resource: str) -> bool:
    """True if a resource can be one that an action is authorized on, or that is not known.

    Only told apart where ARNs leave no doubt: another service, buckets and their objects, and types that begin
    with a word ("instance/", "role/"). An action without resource types fits "*" only.
    """
    if resource == "*":
        return True
    info = catalogue().action(action)
    arn = parse_arn(resource)
    if info is None or arn is None:
        return True
    forms = [form for form in map(parse_arn, info.arn_forms) if form is not None]
    if arn.service == "kms" and arn.resource.startswith("alias/"):
        # A request names a key by its alias, too.
        return any(form.resource.startswith(("alias/", "key/")) for form in forms)
    return any(_may_be(arn, form) for form in forms)


def _may_be(arn: Arn, form: Arn) -> bool:
    if "*" in arn.service or "*" in arn.partition:
        return True
    if arn.service != form.service:
        return False
    if arn.service == "s3" and not arn.account and not form.account:
        is_object = "/" in arn.resource
        either = not is_object and "*" in arn.resource
        return either or is_object == ("/" in form.resource)
    literal = form.resource.split("${", 1)[0]
    fixed = arn.resource.split("*", 1)[0]
    return fixed.startswith(literal) or literal.startswith(fixed) if "*" in arn.resource else fixed.startswith(literal)
