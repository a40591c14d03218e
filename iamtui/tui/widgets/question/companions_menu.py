"""What a call does besides its action, chosen from a menu: which role it passes, whether it sets tags."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from textual.app import App

from iamtui.account.model import Account
from iamtui.problem import Problem
from iamtui.tui.dialogs.prompts import ChoiceDialog, LineDialog
from iamtui.tui.safe import line
from iamtui.tui.widgets.draft.option_lines import Choice
from iamtui.tui.widgets.question.completion import known_resources
from iamtui.workspace.questions.answers import Cell, Companion
from iamtui.workspace.questions.asking import check_resource
from iamtui.workspace.questions.companion_questions import is_about, on_resource, unsaid, whatever_fits

Named = Mapping[str, tuple[str, ...]]

_UNSAID: Final = "unsaid"
_FITS: Final = "fits"
_OTHER: Final = "other"


@dataclass(frozen=True, slots=True)
class Besides:
    """What the call that is looked at is checked for besides its action.

    Args:
        companions: the checks, one each.
        named: what is said of them already, as in an inquiry.
        account: whose resources are offered.
    """

    companions: Sequence[Companion]
    named: Named
    account: Account

    @classmethod
    def of(cls, cell: Cell, named: Named, account: Account) -> Besides:
        """Of a cell of an answer."""
        first = {one.check: one for one in reversed(cell.companions)}
        return cls([one for one in cell.companions if first.get(one.check) is one], named, account)

    def choices(self) -> list[Choice]:
        """A line for each check; its key is its index."""
        return [
            Choice(str(index), one.check.action, f"on {one.check.resource}: {self._said(one)}", one.check.when)
            for index, one in enumerate(self.companions)
        ]

    def _said(self, one: Companion) -> str:
        given = {action.lower(): resources for action, resources in self.named.items()}.get(one.check.action.lower())
        if given is None:
            return "on every call" if not one.check.when else "not said"
        about = [resource for resource in given if is_about(one.check, resource)]
        return ", ".join(about) if about else "not said" if given else "yes, whatever fits"


def open_companion(app: App[object], besides: Besides, index: int, take: Callable[[Named], None]) -> None:
    """Let the user say whether the call makes a check, and on what.

    Args:
        take: is given all that is said then.
    """
    check, named = besides.companions[index].check, besides.named
    said = [
        Choice(_FITS, "Yes, on whatever fits", "it decides"),
        Choice(_UNSAID, "Not said", "it decides where every call makes it" if not check.when else "it does not decide"),
    ]
    known = [arn for arn in known_resources(besides.account) if is_about(check, arn)] if check.arn else []
    choices = [*(Choice(f"={arn}", arn) for arn in known), Choice(_OTHER, "Another ARN …", "or a pattern"), *said]

    def chosen(key: str | None) -> None:
        if key == _OTHER:
            app.push_screen(LineDialog(title, "", line(f"The ARN of {check.resource}."), check=wrong), typed)
        elif key == _FITS:
            take(whatever_fits(named, check))
        elif key == _UNSAID:
            take(unsaid(named, check))
        elif key is not None:
            take(on_resource(named, check, key.removeprefix("=")))

    def wrong(text: str) -> str:
        try:
            check_resource(text, check.action)
        except Problem as problem:
            return str(problem)
        return "" if not check.arn or is_about(check, text) else f"That is not {check.resource}."

    def typed(text: str | None) -> None:
        if text is not None:
            take(on_resource(named, check, text))

    title = line("The call also needs ", (check.action, "bold"), f" on {check.resource}")
    app.push_screen(ChoiceDialog(title, choices if check.arn else said), chosen)
