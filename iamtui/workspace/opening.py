"""Opening a source: which one is meant, and loading it with progress and cancel."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from iamtui.workspace.workspace import SourceKind, Workspace


@dataclass(frozen=True, slots=True)
class SourceChoice:
    """What the user asked to open.

    Args:
        kind: live, snapshot or demo.
        snapshot: the file, for a snapshot.
        profile, region, endpoint_url: for live; None where not given.
    """

    kind: SourceKind
    snapshot: Path | None = None
    profile: str | None = None
    region: str | None = None
    endpoint_url: str | None = None


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a load has come: a short phrase, how many things so far, and how many in all (None: unknown)."""

    step: str
    done: int = 0
    total: int | None = None


ProgressReport = Callable[[Progress], None]


def _no_report(_progress: Progress) -> None:
    pass


class OpeningCancelled(Exception):
    """The user cancelled the load."""


def choice_from_environment(environ: Mapping[str, str]) -> SourceChoice | None:
    """The source that the environment names (AWS_PROFILE, or access keys): live; else None: ask the user."""
    if environ.get("AWS_PROFILE") or (environ.get("AWS_ACCESS_KEY_ID") and environ.get("AWS_SECRET_ACCESS_KEY")):
        return SourceChoice(SourceKind.LIVE, profile=environ.get("AWS_PROFILE") or None)
    return None


def open_source(
    choice: SourceChoice,
    report: ProgressReport = _no_report,
    cancelled: Callable[[], bool] = lambda: False,
) -> Workspace:
    """Load the account that `choice` names. Blocking: screens call it in a worker.

    Raises:
        Problem: the source cannot be read; the sentence says why and what to do.
        OpeningCancelled: `cancelled` returned True between two steps.
    """
    raise NotImplementedError
