"""The catalogue of actions as the question's fields use it, loaded at the first use in a thread."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from iamtui.catalog.actions import ActionInfo, Catalogue


class LoadedCatalogue:
    """Reads `iamtui.catalog`. Its data takes a while to load, so every method is called in a thread."""

    def search(self, text: str, limit: int) -> Sequence[str]:
        """Actions that fit the text, best first."""
        return self._catalogue().search_actions(text, limit)

    def known(self, action: str) -> bool:
        """Whether AWS lists this action."""
        return self._catalogue().knows(action)

    def arn_forms(self, action: str) -> Sequence[str]:
        """ARN forms of the action's resource types."""
        info = self._info(action)
        return info.arn_forms if info is not None else ()

    def condition_keys(self, action: str) -> Sequence[str]:
        """Condition keys of the action and of its resource types."""
        info = self._info(action)
        return info.all_condition_keys if info is not None else ()

    def _info(self, action: str) -> ActionInfo | None:
        return self._catalogue().action(action)

    def _catalogue(self) -> Catalogue:
        from iamtui.catalog.actions import catalogue  # noqa: PLC0415 - brings in a data set that start-up does not need

        return catalogue()
