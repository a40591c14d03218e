"""The status line: whose account this is, as whom one looks, where the data came from, and the active session."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from rich.cells import cell_len
from textual.content import Content
from textual.widget import Widget

from iamtui.account.availability import Missing
from iamtui.credentials.session import Session
from iamtui.tui import clock
from iamtui.tui.safe import line, plain, safe_text
from iamtui.tui.widgets.session_text import PRODUCTION, chip
from iamtui.workspace.workspace import SourceKind, Workspace

_GAP: Final = "  "

WORDS_WIDTH: Final = 110
"""From this many columns on, a countdown is said in words."""

_NEEDED: Final = 94
"""The rank from which on a part is always in sight: rather than that it goes, others are shortened."""

_TIGHTEST: Final = 3

SHORT_NAME: Final = 12
"""Cells for a role's name in a narrow line with two countdowns."""


class StatusLine(Widget):
    """One line. When it gets narrow, the least important parts go first; account and READ-ONLY never do."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._workspace: Workspace | None = None
        self._session: Session | None = None
        self._production = False
        self._draft = ""
        self._clipboard: timedelta | None = None
        self._picking = ""

    def on_mount(self) -> None:
        """Keep ages and the countdown true."""
        self.set_interval(1.0, self._tick)

    def set_workspace(self, workspace: Workspace | None) -> None:
        """Show another account."""
        self._workspace = workspace
        self.set_class(workspace is not None and bool(workspace.source.endpoint_url), "-not-aws")
        self.refresh()

    def set_session(self, session: Session | None, *, production: bool = False) -> None:
        """Show another active session, marked where it looks like production, or none."""
        self._session = session
        self._production = production
        self.refresh()

    def set_draft(self, words: str) -> None:
        """Show that a draft is open (raw text), or that none is ("")."""
        self._draft = words
        self.refresh()

    def set_picking(self, name: str) -> None:
        """Show that a session is picked for another program, in the format of this name; "": none is."""
        self._picking = name
        self.refresh()

    def set_clipboard(self, left: timedelta | None) -> None:
        """Show how long a copied secret stays on the clipboard; None: there is none."""
        if left != self._clipboard:
            self._clipboard = left
            self.refresh()

    def _tick(self) -> None:
        if self._session is not None or self._workspace is not None:
            self.refresh()

    def render(self) -> Content:
        """The parts that fit, the source and session at the right edge."""
        width = self.content_size.width
        for tightness in range(_TIGHTEST + 1):
            left, right = self._parts(tightness)
            needed = [part for part in (*left, *right) if part[0] >= _NEEDED]
            if _width(needed) + 2 <= width:
                break
        while len(left) + len(right) > 2 and _width(left) + _width(right) + 2 > width:
            rank, part = min([*left, *right], key=lambda pair: pair[0])
            (left if (rank, part) in left else right).remove((rank, part))
        start = Content(_GAP).join([part for _, part in left])
        end = Content(_GAP).join([part for _, part in right])
        gap = max(1, width - start.cell_length - end.cell_length)
        return Content.assemble(start, " " * gap, end)

    def _parts(self, tightness: int) -> tuple[list[tuple[int, Content]], list[tuple[int, Content]]]:
        """Parts for the left and the right side with their rank: the lowest goes first.

        Args:
            tightness: how much of the endpoint (1, 2), and of account, draft and session (3), is left out.
        """
        workspace = self._workspace
        left: list[tuple[int, Content]] = [(30, plain("iamtui", "bold $accent"))]
        if self._picking:
            left = [(97, _chip(f"PICK {self._picking}", "bold $accent"))]
        if workspace is None:
            left.append((90, plain("no account open", "$muted")))
            return left, [(100, _chip("READ-ONLY", "$muted"))]
        account, source = workspace.account, workspace.source
        if source.endpoint_url:
            words = _not_aws(source.endpoint_url, tightness)
            left.append((98, line((f" {words} ", "bold $banner-text on $banner"))))
        alias = None if isinstance(account.alias, Missing) else account.alias.value
        if tightness < _TIGHTEST:
            left.append((99, line((alias or "account", "bold $foreground"), " ", (account.id, "$muted"))))
        else:
            left.append((99, line((account.id, "bold $foreground"))))
        if self._draft:
            left.append(
                (97, _chip(safe_text(self._draft, limit=16 if tightness == _TIGHTEST else 40), "bold $verdict-depends"))
            )
        if not isinstance(account.caller_arn, Missing):
            caller = account.caller_arn.value.split(":", 5)[-1]
            left.append((20, line(("as ", "$faint"), (caller, "$muted"))))
        if source.region:
            left.append((40, plain(source.region, "$muted")))
        right: list[tuple[int, Content]] = []
        narrow = self.content_size.width < WORDS_WIDTH
        if self._clipboard is not None:
            seconds = -(-self._clipboard // timedelta(seconds=1))
            words = "clip" if narrow else "clipboard clears in"
            right.append((96, _chip(f"{words} {seconds} s", "bold $session-warning")))
        if self._session is not None:
            # Both countdowns must fit beside the account.
            mark_width = cell_len(PRODUCTION[0]) if self._production else 0
            short = narrow and (self._clipboard is not None or tightness == _TIGHTEST)
            name_width = SHORT_NAME - mark_width if short else None
            shown = chip(self._session, clock.now(), name_width=name_width, production=self._production)
            right.append((95, shown))
        taken = source.taken_at or account.taken_at
        if taken is not None and source.kind is not SourceKind.DEMO:
            right.append((50, plain(f"read {clock.ago(taken)}", "$faint")))
        # What is read here must not be taken for one's own account.
        right.append((_NEEDED if source.kind is SourceKind.DEMO else 60, _source_part(source.kind, source.label)))
        right.append((100, _chip("READ-ONLY", "$muted")))
        return left, right


def _not_aws(url: str, tightness: int) -> str:
    where = (f" {url}", f" {url.partition('://')[2] or url}", "", "")[tightness]
    return f"NOT AWS{where}"


def _source_part(kind: SourceKind, label: str) -> Content:
    if kind is SourceKind.DEMO:
        return _chip("DEMO", "bold $accent")
    return line((f"{kind.value} ", "$faint"), (label, "$muted"))


def _chip(text: str, style: str) -> Content:
    return plain(f" {text} ", f"{style} on $chip")


def _width(parts: list[tuple[int, Content]]) -> int:
    return sum(part.cell_length + len(_GAP) for _, part in parts)
