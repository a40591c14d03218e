"""FieldCompletion: finds in threads what a field of the question may be completed to, and whether it is needed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property, partial
from typing import TYPE_CHECKING

from textual.widget import Widget
from textual.worker import get_current_worker

from iamtui.tui.background import making
from iamtui.tui.question.completing_input import CompletingInput, Offer
from iamtui.tui.question.completion import SearchableCatalogue

if TYPE_CHECKING:
    from iamtui.tui.question.completer import Completer


class FieldCompletion:
    """Works for the widget that has the fields; the catalogue may still have to be loaded."""

    def __init__(self, host: Widget, catalogue: SearchableCatalogue) -> None:
        self._host = host
        self._catalogue = catalogue

    @cached_property
    def _completer(self) -> Completer:
        from iamtui.tui.question.completer import Completer  # not before the first frame

        return Completer(self._catalogue)

    def complete(self, entry: CompletingInput, word: str, search: Callable[[Completer], Sequence[Offer]]) -> None:
        """Offer in a field what a search finds for a word, unless the field has another text by then."""
        find = partial(self._find, entry, entry.value, word, search)
        self._host.run_worker(
            find, thread=True, exclusive=True, group="completion", description="completion", exit_on_error=False
        )

    def _find(
        self, entry: CompletingInput, text: str, word: str, search: Callable[[Completer], Sequence[Offer]]
    ) -> None:
        worker = get_current_worker()
        if worker.is_cancelled:
            return
        with making():
            offers = search(self._completer)
        if not worker.is_cancelled:
            self._host.call_later(self._offer, entry, text, word, offers)

    def _offer(self, entry: CompletingInput, text: str, word: str, offers: Sequence[Offer]) -> None:
        if entry.value == text:
            only_itself = [offer.value for offer in offers] == [word] and not offers[0].about
            entry.offer(() if only_itself else offers, word)

    def look_for_resources(self, text: str, actions: Sequence[str], found: Callable[[str, bool], object]) -> None:
        """Find out whether actions work on resources at all; `found` gets their text and whether they need none."""
        find = partial(self._find_resources, text, actions, found)
        self._host.run_worker(find, thread=True, exclusive=True, group="resource-types", exit_on_error=False)

    def _find_resources(self, text: str, actions: Sequence[str], found: Callable[[str, bool], object]) -> None:
        with making():
            none_needed = self._completer.needs_no_resource(actions)
        if not get_current_worker().is_cancelled:
            self._host.call_later(found, text, none_needed)
