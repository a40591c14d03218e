"""DenialReportScreen: what AWS said and what the account says, side by side, where the two differ."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, Final

from textual.binding import Binding, BindingType
from textual.content import Content

from iamtui.account.model import Account
from iamtui.denials.denial import Denial
from iamtui.engine.decision import StatementRef
from iamtui.presentation.verdict import verdict_words
from iamtui.tui.content import line, plain, styled
from iamtui.tui.question.trace_screen import DocumentScreen
from iamtui.tui.text_screens import TextScreen
from iamtui.workspace.denial_advice import denies_of, named_policy
from iamtui.workspace.denial_comparison import WORDS, Agreement
from iamtui.workspace.denials import ExplainedDenial, claim_words

_MARKS: Final = {
    Agreement.AGREES: ("[=]", "$verdict-allowed"),
    Agreement.OTHER_REASON: ("[!]", "$verdict-denied"),
    Agreement.DENIED_HERE: ("[!]", "$verdict-denied"),
    Agreement.ALLOWED_HERE: ("[!]", "$verdict-denied"),
}
_OPEN: Final = ("[?]", "$verdict-depends")


class DenialReportScreen(TextScreen):
    """The whole comparison, searchable.

    Args:
        account: where the policy that AWS names may stand.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("o", "open_policy", "Policy", id="denial.report.policy", tooltip="Open the policy that AWS names"),
    ]

    def __init__(self, explained: ExplainedDenial, account: Account) -> None:
        self._policy = named_policy_screen(account, explained.denial)
        denial = explained.denial
        title = line(
            ("Why denied  ", "bold $heading"),
            (denial.action or denial.operation or denial.code, "bold"),
            ("  ", ""),
            agreement_words(explained),
        )
        super().__init__(title, tuple(report_rows(explained)))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """No key for a policy that is not loaded."""
        return super().check_action(action, parameters) and (action != "open_policy" or self._policy is not None)

    def action_open_policy(self) -> None:
        if self._policy is not None:
            self.app.push_screen(self._policy)


def named_policy_screen(account: Account, denial: Denial) -> DocumentScreen | None:
    """The policy that AWS names, at its first Deny of the action; None where none is named or loaded."""
    claim = denial.claim
    found = named_policy(account, claim.policy) if claim.policy else None
    if found is None or not claim.layers:
        return None
    name, document = found
    layer = claim.layers[-1]
    whole = StatementRef(layer, "Deny", name, None, -1, None)
    return DocumentScreen(document, next(denies_of(name, document, layer, denial.action), whole))


def agreement_mark(agreement: Agreement) -> tuple[str, str]:
    return _MARKS.get(agreement, _OPEN)


def agreement_words(explained: ExplainedDenial) -> Content:
    """A mark and a few words: how the account's answer stands to AWS's."""
    agreement = explained.comparison.agreement
    mark, style = agreement_mark(agreement)
    return line((f"{mark} ", f"bold {style}"), (WORDS[agreement], style))


def report_rows(explained: ExplainedDenial) -> Iterator[Content]:
    """Request, AWS's reason, the account's answer, the comparison, what would help, and what is open."""
    denial = explained.denial
    yield _heading("The request")
    yield _row("caller", denial.caller or "not told")
    yield _row("action", denial.action or "not told")
    yield _row("resource", denial.resource_words)
    for key, values in denial.context.items():
        yield _row("context", f"{key} = {', '.join(values)}" if values else f"{key} absent")
    yield plain("")
    yield _heading("AWS said")
    yield plain(f"  {claim_words(denial)}", limit=None)
    yield plain("")
    yield _heading("The account says")
    if explained.decision is None or explained.explanation is None:
        yield plain("  It was not asked.")
    else:
        yield line("  ", styled(verdict_words(explained.decision).row))
        yield plain(f"  {explained.explanation.paragraph}", limit=None)
    yield plain("")
    yield line(("Together  ", "bold $heading"), agreement_words(explained))
    for sentence in explained.comparison.sentences:
        yield plain(f"  {sentence}", limit=None)
    if explained.explanation is not None and explained.explanation.suggestions:
        yield plain("")
        yield _heading("Would help")
        for suggestion in explained.explanation.suggestions:
            yield plain(f"  - {suggestion.change}", limit=None)
    said = dict.fromkeys((*explained.open, *denial.unknown, *denial.notes))
    if said:
        yield plain("")
        yield _heading("Open, and how it was read")
        for sentence in said:
            yield plain(f"  - {sentence}", limit=None)


def _heading(words: str) -> Content:
    return plain(words, "bold $heading")


def _row(label: str, value: str) -> Content:
    return line((f"  {label:<10}", "$muted"), plain(value, limit=None))
