"""EndpointScreen: a session on offer to programs of this machine: its address, its clients, and how to stop it."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from typing import ClassVar, Final

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import Static

from iamtui.credentials.export import ShellSyntax, assignments, shell_format
from iamtui.credentials.export_values import DEMO_LABEL
from iamtui.credentials.server import WHO_IS_ANSWERED, Counts, CredentialsService
from iamtui.problem import Problem
from iamtui.tui import clock
from iamtui.tui.background import get_in_thread
from iamtui.tui.clipboard import Copier
from iamtui.tui.content import Severity, line, lines, plain
from iamtui.tui.dialogs.dialogs import ConfirmDialog, Dialog, DialogBox
from iamtui.tui.sessions.text import MASK, URGENCY_STYLES, about, failure_words
from iamtui.workspace.assume.session_store import (
    ENDPOINT_STALE,
    KeptSession,
    SessionsKeeper,
    default_profile_in_the_way,
    endpoint_variables,
)

_SHELL: Final = "bash"
"""Shell whose lines are copied where the user's format is for no shell."""

METADATA_WARNING: Final = (
    f"The instance metadata service (IMDSv2) knows no authentication: {WHO_IS_ANSWERED} that finds its port gets "
    "these credentials, for as long as it runs. It is for programs that were written for EC2 instances and can use "
    "nothing else."
)


class EndpointScreen(Dialog[None]):
    """Shows the endpoint of a session as it answers, in a dialog. It goes on when the dialog is left."""

    HELP_ABOUT: ClassVar[str] = (
        "On EC2 an instance asks the instance metadata service, at 169.254.169.254, for temporary credentials "
        "of its role, and again before they expire. The endpoint does the same here for the session: programs "
        "ask it, on this machine alone, and no key is stored anywhere."
    )

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("c,y", "copy", "Copy its lines", id="endpoint.copy",
                tooltip="Copy the lines that have the programs of a shell ask the endpoint; taken back as a secret"),
        Binding("R", "switch_renewal", "Renew", id="endpoint.renew",
                tooltip="Renew the session before its end, so that the endpoint goes on"),
        Binding("i", "metadata", "IMDSv2", id="endpoint.metadata",
                tooltip="Answer as an instance metadata service too; warns first"),
        Binding("x,delete", "stop", "Stop", id="endpoint.stop", tooltip="Stop the endpoint"),
        Binding("escape,q,e", "dismiss", "Back", id="endpoint.back", tooltip="Leave it running and go back"),
    ]  # fmt: skip

    DEFAULT_CSS = """
    EndpointScreen {
        & > DialogBox {
            width: 78;
            max-width: 98%;
            overflow-y: auto;
        }
        & #endpoint-said {
            margin-top: 1;
        }
        & #endpoint-keys {
            margin-top: 1;
            color: $muted;
        }
    }
    """

    def __init__(
        self,
        keeper: SessionsKeeper,
        kept: KeptSession,
        copier: Copier,
        switch_renewal: Callable[[], Content],
        title: Content,
    ) -> None:
        """Make the dialog.

        Args:
            kept: a session whose endpoint runs.
            switch_renewal: switches the session's renewal on or off; returns what became of it.
            title: whose endpoint it is.
        """
        super().__init__()
        self._keeper = keeper
        self._kept = kept
        self._copier = copier
        self._switch_renewal = switch_renewal
        self._title = title
        self._in_the_way = False

    def compose(self) -> ComposeResult:
        with DialogBox(self._title):
            yield Static(id="endpoint-facts", markup=False)
            yield Static(plain("Programs find it by two variables, and get nothing without them.", "$muted"),
                         id="endpoint-said", markup=False)  # fmt: skip
            keys = (
                ("c", "copy the lines"),
                ("R", "renew on, off"),
                ("i", "IMDSv2"),
                ("x", "stop"),
                ("Esc", "leave it on"),
            )
            parts = [part for key, words in keys for part in ((key, "bold $match"), f" {words}   ")]
            yield Static(line(*parts), id="endpoint-keys", markup=False)

    def on_mount(self) -> None:
        self._show()
        self.set_interval(0.5, self._show)
        name = "looking for a default profile"
        get_in_thread(self, default_profile_in_the_way, self._found, self._refuse, name=name)

    @property
    def _service(self) -> CredentialsService | None:
        return self._kept.service

    def _show(self) -> None:
        self.query_one("#endpoint-facts", Static).update(
            facts(self._kept, self._keeper.get(self._kept.key) is self._kept, in_the_way=self._in_the_way)
        )

    def _say(self, content: Content, severity: Severity = Severity.INFORMATION) -> None:
        style = {Severity.WARNING: "$session-warning", Severity.ERROR: "$verdict-denied"}.get(severity, "$foreground")
        self.query_one("#endpoint-said", Static).update(content.stylize_before(style))
        self._show()

    def _found(self, in_the_way: bool) -> None:
        self._in_the_way = in_the_way
        self._show()

    def _refuse(self, problem: Problem) -> None:
        self._say(plain(problem), Severity.ERROR)

    # Keys.

    def action_copy(self) -> None:
        service = self._service
        if service is None:
            self._say(plain("The endpoint has stopped, so there is nothing to copy."), Severity.WARNING)
            return
        label = DEMO_LABEL if self._kept.session.demo else ""
        variables = endpoint_variables(service, os.environ)
        text = assignments(self._syntax(), variables, ENDPOINT_STALE, label=label, for_paste=True)
        copy = partial(self._copier.copy_secret, text, "Lines of the endpoint")
        copying = "copying the endpoint's lines"
        get_in_thread(self, copy, lambda said: self._say(plain(said)), self._refuse, name=copying, group="copy")

    def _syntax(self) -> ShellSyntax:
        try:
            return shell_format(self._copier.format_name())[1]
        except Problem:
            return shell_format(_SHELL)[1]

    def action_switch_renewal(self) -> None:
        self._say(self._switch_renewal())

    def action_metadata(self) -> None:
        service = self._service
        if service is None:
            self._say(plain("The endpoint has stopped."), Severity.WARNING)
        elif service.metadata is not None:
            self._say(plain("It answers as IMDSv2 already; x stops both."), Severity.WARNING)
        else:
            title = line("Offer credentials without authentication?")
            self.app.push_screen(ConfirmDialog(title, plain(METADATA_WARNING), "offer it"), self._confirmed)

    def _confirmed(self, agreed: bool | None) -> None:
        service = self._service
        if not agreed or service is None:
            self._say(plain("IMDSv2 stays off."))
            return
        try:
            service.offer_metadata()
        except OSError as error:
            self._say(line("IMDSv2 cannot listen: ", error.strerror or str(error), "."), Severity.ERROR)
        else:
            words = "It answers as IMDSv2 too, to everybody on this machine; c copies its lines with the others."
            self._say(plain(words), Severity.WARNING)

    def action_stop(self) -> None:
        self._keeper.stop_serving(self._kept)
        self.dismiss(None)


def facts(kept: KeptSession, held: bool, *, in_the_way: bool) -> Content:
    """State of the endpoint, its secrets masked.

    Args:
        held: whether the session is still held.
        in_the_way: whether a default profile of the AWS files comes first.
    """
    service = kept.service
    if service is None or not held:
        why = "with its session" if not held or kept.session.expired(clock.now()) else "by your doing"
        return line(("It has stopped ", "bold $session-warning"), (f"{why}.", "bold $session-warning"))
    status = service.status
    now, session = clock.now(), status.held.session
    rows = [
        _fact("URL", f"http://{service.endpoint.authority}/{MASK}"),
        _fact("Token", MASK),
        _fact("Asked", _counted(status.counts)),
        line(_fact("Session", ""), (f"{session.time_left_words(now)} left", URGENCY_STYLES[session.urgency(now)]),
             (f", {_after(kept)}", "$muted")),
        _fact("Renewed", {0: "not yet", 1: "once"}.get(status.held.renewals, f"{status.held.renewals} times")),
    ]  # fmt: skip
    if status.held.failures.count:
        rows.append(line(("! ", "bold $session-warning"), (failure_words(kept, now), "$session-warning")))
    if service.metadata is not None and status.metadata_counts is not None:
        rows.append(_fact("IMDSv2", f"{service.metadata.url}  {_counted(status.metadata_counts)}"))
        rows.append(line(_fact("", ""), (f"no authentication: open to {WHO_IS_ANSWERED}", "bold $session-warning")))
    else:
        rows.append(_fact("IMDSv2", "off"))
    if in_the_way:
        words = "! SDKs take the default profile of the AWS files first: rename it, or hide the files from the shell."
        rows.append(plain(words, "$session-warning"))
    return lines(*rows)


def _fact(name: str, words: str) -> Content:
    return line((f"{name:<9}", "$muted"), words)


def _counted(counts: Counts) -> str:
    return f"{counts.served} answered, {counts.refused} refused"


def _after(kept: KeptSession) -> str:
    renewer = kept.renewer
    if renewer.automatic:
        if wait := renewer.next_try_in():
            return f"renewal tried again in {about(wait)}"
        due = renewer.due_in()
        return f"renewed in {about(due)}" if due else "renewing"
    if renewer.switched_on:
        return "renewed with a code that you are asked for"
    return "and the endpoint ends with it"
