from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

import pytest

from iamtui.credentials.clipboard import ClearResult, ClearState, ClipboardLease, ClipboardOptions, CopyResult
from iamtui.problem import Problem
from iamtui.secret import Secret
from iamtui.tui.clipboard import Copier
from tests.support.panel_sessions import SECRET, StillClock, session


class FakeRoute:
    """A clipboard in memory; `terminal` makes it one that is reached through the terminal."""

    def __init__(self, *, terminal: bool = False) -> None:
        self.name = "fake"
        self.holds: str | None = None
        self.cleared = 0
        self.terminal = terminal

    def copy(self, text: Secret) -> CopyResult:
        self.holds = text.reveal()
        write = Secret("\x1b]52;c;AAAA\x07") if self.terminal else None
        return CopyResult(True, "copied to the clipboard (fake)", write)

    def clear(self, _fingerprint: str) -> ClearResult:
        self.cleared += 1
        self.holds = None
        return ClearResult(ClearState.CLEARED, "clipboard cleared (fake)")


class Stage:
    """A copier with a clock that stands still."""

    def __init__(self, environ: Mapping[str, str] | None = None, *, terminal: bool = False) -> None:
        self.clock = StillClock()
        self.seconds = 0.0
        self.given: list[ClipboardOptions] = []
        self.route = FakeRoute(terminal=terminal)
        self.written: list[str] = []
        options = ClipboardOptions.from_environment(environ or {})
        self.copier = Copier(
            self.written.append,
            options,
            clock=self.clock,
            monotonic=lambda: self.seconds,
            copy_secret=self.copy,
        )

    def move(self, seconds: float) -> None:
        self.clock.move(seconds)
        self.seconds += seconds

    def due(self) -> bool:
        return self.copier.time_left() == timedelta()

    def copy(self, text: Secret, options: ClipboardOptions) -> ClipboardLease:
        self.given.append(options)
        result = self.route.copy(text)
        seconds = options.clear_after_seconds
        end = self.clock() + timedelta(seconds=seconds) if seconds else None
        return ClipboardLease(self.route, "fingerprint", result, end)


def test_exports_are_copied_and_the_sentence_names_route_and_time() -> None:
    stage = Stage()

    sentence = stage.copier.copy_exports(session())

    assert stage.route.holds is not None
    assert SECRET in stage.route.holds
    assert sentence == ("bash, zsh: export lines copied to the clipboard (fake); cleared in 30 s.")
    assert SECRET not in sentence


def test_a_demo_session_is_named_so() -> None:
    assert Stage().copier.copy_exports(session(demo=True)).startswith("DEMO bash, zsh: export lines")


def test_the_exports_are_due_after_their_time_and_then_cleared() -> None:
    stage = Stage()
    stage.copier.copy_exports(session())

    stage.move(29)
    assert not stage.due()
    stage.move(1)
    assert stage.due()
    assert stage.copier.clear_now() == "clipboard cleared (fake)"
    assert stage.route.holds is None
    assert not stage.due()
    assert stage.copier.clear_now() == ""
    assert stage.route.cleared == 1


def test_a_second_copy_starts_the_time_again() -> None:
    stage = Stage()
    stage.copier.copy_exports(session())
    stage.move(20)
    stage.copier.copy_exports(session())
    stage.move(20)

    assert not stage.due()


def test_a_text_that_is_no_secret_stays() -> None:
    stage = Stage()

    assert stage.copier.copy_text("arn:x", "ARN") == "ARN copied to the clipboard (fake)."
    stage.move(3600)
    assert not stage.due()
    assert stage.route.holds == "arn:x"


@pytest.mark.parametrize("trap", ["\nrm -rf ~\n", "\x1b[201~", "\u202e", "\x9b", "\r", "\t"])
def test_a_text_that_would_act_where_it_is_pasted_is_not_copied(trap: str) -> None:
    stage = Stage()

    with pytest.raises(Problem, match="not copied"):
        stage.copier.copy_text(f"arn:aws:iam::123456789012:role/{trap}x", "ARN")
    assert not stage.route.holds


def test_what_the_terminal_must_be_told_is_written_to_it() -> None:
    stage = Stage(terminal=True)

    stage.copier.copy_exports(session())

    assert stage.written == ["\x1b]52;c;AAAA\x07"]


def test_an_expired_session_is_not_copied() -> None:
    stage = Stage()
    stage.move(3600)

    with pytest.raises(Problem, match="has expired"):
        stage.copier.copy_exports(session())
    assert stage.route.holds is None


def test_a_clock_that_is_set_back_prolongs_nothing() -> None:
    stage = Stage()
    stage.copier.copy_exports(session())
    stage.seconds += 20
    stage.clock.move(-3600)
    assert stage.copier.time_left() == timedelta(seconds=10)
    stage.seconds += 10
    assert stage.due()


def test_time_asleep_counts() -> None:
    stage = Stage()
    stage.copier.copy_exports(session())
    stage.clock.move(3000)  # no monotonic clock runs in a machine that sleeps
    assert stage.due()


def test_one_field_is_a_secret_of_its_own() -> None:
    stage = Stage()
    sentence = stage.copier.copy_secret(Secret(SECRET), "Secret access key")
    assert stage.route.holds == SECRET
    assert sentence == "Secret access key copied to the clipboard (fake); cleared in 30 s."
    assert stage.given[-1].secret


def test_names_of_variables_are_no_secret() -> None:
    stage = Stage()
    sentence = stage.copier.copy_exports(session(), "docker")
    assert sentence == "docker run: -e options, names only copied to the clipboard (fake)."
    assert stage.copier.time_left() is None
    assert not stage.given[-1].secret
