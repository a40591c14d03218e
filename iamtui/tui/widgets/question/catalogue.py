"""The catalogue of actions as the question's fields use it, loaded at the first use in a thread."""

from __future__ import annotations

from collections.abc import Sequence


class LoadedCatalogue:
    """Reads `iamtui.catalog`. Its data takes a while to load, so every method is called in a thread."""

    def search(self, text: str, limit: int) -> Sequence[str]:
        """Actions that fit the text, best first."""
        from iamtui.catalog.actions import search_actions  # noqa: PLC0415 - loads a large data set

        return [str(action) for action in search_actions(text, limit)]

    def known(self, action: str) -> bool:
        """Whether AWS lists this action."""
        raise NotImplementedError

    def arn_forms(self, action: str) -> Sequence[str]:
        """ARN forms of the action's resource types."""
        raise NotImplementedError
