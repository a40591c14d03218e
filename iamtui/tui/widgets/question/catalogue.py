"""The catalogue of actions as the question's fields use it, loaded at the first use in a thread."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from iamtui.catalog.actions import ActionInfo, Catalogue


class ActionCatalogue(Protocol):
    """What the question's fields ask the catalogue. The first call may load it; all are made in a thread."""

    def search(self, text: str, limit: int) -> Sequence[str]:
        """Actions that fit the text, best first."""

    def described(self, action: str) -> tuple[str, str]:
        """Access level ("Read") and what the action does, in a few words; ("", "") when it is not known."""

    def known(self, action: str) -> bool:
        """Whether AWS lists this action (any letter case), or some action that the pattern matches."""

    def arn_forms(self, action: str) -> Sequence[str] | None:
        """The ARN forms of the resources the action works on, with `${...}` in them; none when it works on no
        resource; None when it is not known. Those of all of a pattern's actions."""

    def condition_keys(self, action: str) -> Sequence[str]:
        """The condition keys of the action and its resources, beside the global ones."""


class LoadedCatalogue:
    """Reads `iamtui.catalog`. Its data takes a while to load, so every method is called in a thread."""

    def search(self, text: str, limit: int) -> Sequence[str]:
        """Actions that fit the text, best first."""
        return self._catalogue().search_actions(text, limit)

    def described(self, action: str) -> tuple[str, str]:
        """Access level and what the action does, without the words that every description begins with."""
        info = self._info(action)
        if info is None:
            return "", ""
        words = info.description.removeprefix("Grants permission to ")
        return info.access_levels[0], words[:1].upper() + words[1:]

    def known(self, action: str) -> bool:
        """Whether AWS lists this action or API call, or some action that the pattern matches."""
        if "*" in action or "?" in action:
            return bool(self._catalogue().count(action))
        from iamtui.catalog.api_calls import companions  # noqa: PLC0415 - as the catalogue

        return self._catalogue().knows(action) or bool(companions(action))

    def arn_forms(self, action: str) -> Sequence[str] | None:
        """ARN forms of the action's resource types; of a pattern's actions, those of the first few."""
        if "*" not in action and "?" not in action:
            info = self._info(action)
            return info.arn_forms if info is not None else None
        forms: dict[str, None] = {}
        for name in self._catalogue().expand(action)[:_MOST_OF_A_PATTERN]:
            forms.update(dict.fromkeys(self.arn_forms(name) or ()))
        return tuple(forms) or None

    def condition_keys(self, action: str) -> Sequence[str]:
        """Condition keys of the action and of its resource types."""
        info = self._info(action)
        return info.all_condition_keys if info is not None else ()

    def _info(self, action: str) -> ActionInfo | None:
        return self._catalogue().action(action)

    def _catalogue(self) -> Catalogue:
        from iamtui.catalog.actions import catalogue  # noqa: PLC0415 - brings in a data set that start-up does not need

        return catalogue()


_MOST_OF_A_PATTERN = 200
