"""`iamtui overview`: an account in numbers and bars."""

from __future__ import annotations

import os
import sys
from itertools import compress
from typing import Any, Final

import click

from iamtui.account.snapshot_parts import WITHOUT_VERDICT
from iamtui.cli.command import command, output_options
from iamtui.cli.opening import all_or_open, draft_option, open_workspace, with_account_facts, with_draft
from iamtui.cli.output import Exit, Output, Span, Style, note, stdout
from iamtui.cli.questions import load_resource_policies, question_store
from iamtui.cli.render import verdict_style
from iamtui.cli.source_options import SourceOptions, source_options
from iamtui.presentation.overview import breakdown_bar
from iamtui.presentation.styled_words import ASCII_FILLS, FILLS, bar, needs_ascii, stacked_bar
from iamtui.presentation.verdict import verdict_words
from iamtui.problem import Problem
from iamtui.text import counted, safe_text
from iamtui.workspace.ask.saved_questions import SavedQuestion, account_key
from iamtui.workspace.review.audit import read_suppressions
from iamtui.workspace.review.overview import KEY_AGES, LAST_USES, Breakdown, Figure, Overview, QuestionBar
from iamtui.workspace.review.overview_counts import account_overview
from iamtui.workspace.source.workspace import SourceKind, Workspace

_WIDTH: Final = 80
_LABEL: Final = 26
_COUNT: Final = 6
_BAR: Final = _WIDTH - _LABEL - _COUNT - 3
_QUESTION_BAR: Final = 10
_MOST_QUESTIONS: Final = 4
_SEVERITIES: Final = {"high": Style.BAD, "medium": Style.OPEN, "low": Style.QUIET}

_EPILOG: Final = """\
Every number has a list: `iamtui overview --json` names them, and --list prints one, such as roles.never,
administrators, escalations, trust-outside or findings.high.
"""


@command("overview", epilog=_EPILOG)
@click.option("--list", "listed", metavar="NUMBER", help="Print what one of the numbers counts, one per line.")
@click.option("--ascii", "ascii_only", is_flag=True, help="Draw without block characters.")
@output_options("text", "json")
@draft_option
@source_options
def overview(listed: str | None, ascii_only: bool, form: str, draft: str | None, source: SourceOptions) -> Exit:
    """An account in numbers: principals by last use, age of keys, who can become administrator, trust, findings.

    It ends with what is not known, and with which permission it would be.
    """
    workspace = open_workspace(source, several=True)
    found: list[Overview] = []
    for number, account in enumerate(workspace.accounts):
        here = with_account_facts(workspace.at(account.id))
        saved = _saved_questions(here)
        for question in saved:
            here = load_resource_policies(here, question.question_matrix)
        drafted = with_draft(here, draft) if number == 0 else here
        found.append(account_overview(drafted, saved, accepted=read_suppressions()))
    out = stdout()
    if listed is not None:
        members = [member for one in found for member in one.figure(listed).members]
        if form == "json":
            out.json(members, indent=2)
        else:
            for member in members:
                out.line(member)
    elif form == "json":
        records = [_to_json(one) for one in found]
        out.json(records if workspace.beside else records[0], indent=2)
    else:
        plain = ascii_only or needs_ascii(os.environ, getattr(sys.stdout, "encoding", None))
        for one in found:
            _Drawing(out, ascii_only=plain).draw(one)
    return all_or_open(workspace)


def _saved_questions(workspace: Workspace) -> tuple[SavedQuestion, ...]:
    try:
        return question_store(account_key(workspace), None).saved()
    except Problem as problem:
        note(f"Saved questions are left out: {problem}")
        return ()


class _Drawing:
    """The overview in 80 columns and, where few things are unusual, 24 lines."""

    def __init__(self, out: Output, *, ascii_only: bool) -> None:
        self._out = out
        self._ascii = ascii_only
        self._fills = ASCII_FILLS if ascii_only else FILLS

    def draw(self, found: Overview) -> None:
        self._head(found)
        most = max((one.whole.count for one in found.principals), default=0)
        unknown = any(one.parts[-1].count for one in found.principals)
        self._legend("last used", [*(text for _, text, _ in LAST_USES), "never", *(["not known"] * unknown)])
        for breakdown in found.principals:
            self._breakdown(breakdown, most)
        others = ", ".join(f"{figure.words} {figure.label}" for figure in found.others)
        self._out.line(Span(others, Style.QUIET))
        self._breakdown(found.keys, found.keys.whole.count)
        self._legend("age", [text for _, text, _ in KEY_AGES])
        self._pairs(found.risks)
        most = max(figure.count for figure in found.findings)
        for figure in found.findings:
            drawn = bar(figure.count, most, _BAR, ascii_only=self._ascii)
            self._line(f"findings: {figure.label}", figure, Span(drawn, _SEVERITIES[figure.label]))
        for question in found.questions[:_MOST_QUESTIONS]:
            self._question(question)
        more = len(found.questions) - _MOST_QUESTIONS
        if more > 0:
            note(f"{counted(more, 'more saved question')}: see `iamtui questions run`.")
        gaps = len(found.account.gaps)
        # Those on which verdicts rest were named when the account was opened.
        unnamed = [gap.what in WITHOUT_VERDICT for gap in found.account.gaps]
        lacking = [*compress(found.lacking, unnamed), *found.lacking[gaps:]]
        if lacking:
            note(f"Not known: {'; '.join(lacking)}.")

    def _head(self, found: Overview) -> None:
        account = found.account
        alias = f"{known}  " if (known := account.alias.value_or("")) else ""
        read = f", read {found.source.taken_at:%Y-%m-%d %H:%M} UTC" if found.source.taken_at is not None else ""
        kind = found.source.label if found.source.kind is not SourceKind.DEMO else "demo account"
        self._out.line(Span(f"{alias}{account.id or 'unknown account'}", Style.STRONG), f"  {kind}{read}")

    def _legend(self, title: str, texts: list[str]) -> None:
        words = "  ".join(f"{fill} {text}" for fill, text in zip(self._fills, texts, strict=False))
        self._out.line(Span(f"{title:<{_LABEL}}{words}", Style.QUIET))

    def _breakdown(self, breakdown: Breakdown, most: int) -> None:
        drawn = breakdown_bar(breakdown, most, _BAR, ascii_only=self._ascii)
        self._line(breakdown.whole.label, breakdown.whole, drawn)

    def _line(self, label: str, figure: Figure, *rest: str | Span) -> None:
        self._out.line(f"{label:<{_LABEL}}", Span(f"{figure.words:>{_COUNT}}", Style.STRONG), "  ", *rest)

    def _pairs(self, figures: tuple[Figure, ...]) -> None:
        """Numbers without a bar, two in a line."""
        half = _WIDTH // 2 - _COUNT - 2
        for place in range(0, len(figures), 2):
            parts: list[str | Span] = []
            for figure, width in zip(figures[place : place + 2], (_LABEL, half), strict=False):
                parts += [f"{figure.label:<{width}}", Span(f"{figure.words:>{_COUNT}}", Style.STRONG), "    "]
            self._out.line(*parts)

    def _question(self, question: QuestionBar) -> None:
        name = safe_text(question.name)
        label = f"{name[: _LABEL - 1]:<{_LABEL}}"
        if question.problem:
            self._out.line(label, Span(self._cut(f"cannot be asked: {question.problem}"), Style.OPEN))
            return
        counts = [figure.count for figure in question.answers]
        pieces = stacked_bar(counts, _QUESTION_BAR, ascii_only=self._ascii)
        styles = (Style.GOOD, Style.OPEN, Style.QUIET)
        drawn = [Span(piece, style) for piece, style in zip(pieces, styles, strict=True)]
        allowed, depending, denied = question.answers
        more = "+" if denied.unknown else ""
        words = f"  {allowed.words} of {sum(counts):,}{more} allowed"
        words += f", {depending.words} depend" if depending.count else ""
        verdict: list[Span] = []
        if question.decision is not None:
            verdict = [Span(f"  {verdict_words(question.decision).short}", verdict_style(question.decision))]
        self._out.line(label, *drawn, words, *verdict)

    def _cut(self, text: str) -> str:
        most, end = _WIDTH - _LABEL, "..." if self._ascii else "…"
        return text if len(text) <= most else text[: most - len(end)].rstrip() + end


def _to_json(found: Overview) -> dict[str, Any]:
    account = found.account
    return {
        "account": account.id or None,
        "alias": account.alias.value_or(None),
        "source": found.source.kind.value,
        "taken_at": found.source.taken_at.isoformat() if found.source.taken_at is not None else None,
        # None where nothing was found and not all is known; "incomplete" and "not_known" say what is missing.
        "numbers": {figure.id: figure.count or (None if figure.unknown else 0) for figure in found.figures()},
        "complete": not account.unlisted,
        "incomplete": {figure.id: figure.unknown for figure in found.figures() if figure.unknown},
        "questions": [
            {
                "name": question.name,
                "decision": None if question.decision is None else question.decision.outcome.value,
                "problem": question.problem or None,
            }
            for question in found.questions
        ],
        "not_known": list(found.lacking),
    }
