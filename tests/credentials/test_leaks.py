"""No secret leaves by logs, tracebacks (with locals), repr or pickle, whatever goes wrong."""

from __future__ import annotations

import io
import logging
import pickle
import traceback
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType

import pytest
from rich.console import Console
from rich.traceback import Traceback

from iamtui.credentials import clipboard
from iamtui.credentials.assume_role import AssumeRoleInput, InvalidRequest, assume_role
from iamtui.credentials.export import hand_over
from iamtui.credentials.session import Session
from iamtui.problem import Problem
from iamtui.secret import Secret
from tests.support.sts_answers import LONG_TERM_SECRET, ROLE_ARN, SECRET_KEY, TOKEN, CannedSts, sts_error

TESTS = Path(__file__).parent.parent

MFA_CODE = "907214"
EXTERNAL_ID = "external-id-of-the-partner"
SECRETS = (SECRET_KEY, TOKEN[:40], LONG_TERM_SECRET, MFA_CODE, EXTERNAL_ID)
REQUEST = AssumeRoleInput(ROLE_ARN, "alice", 3600, EXTERNAL_ID, "arn:aws:iam::123456789012:mfa/alice", Secret(MFA_CODE))
NOW = datetime(2026, 11, 25, 10, tzinfo=UTC)


class Provoked(Exception):
    """Raised on purpose."""


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """Everything that any logger writes at DEBUG, as a user might configure it."""
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    root = logging.getLogger()
    before = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    for name in ("botocore", "boto3", "urllib3"):
        logging.getLogger(name).setLevel(logging.DEBUG)
    try:
        yield written
    finally:
        root.removeHandler(handler)
        root.setLevel(before)
        for name in ("botocore", "boto3", "urllib3"):
            logging.getLogger(name).setLevel(logging.NOTSET)


def shown_everywhere(error: BaseException) -> str:
    """The exception as crash screens show it: Python's way with locals, Rich's way with locals, and its repr.

    Frames of this test file are left out: they hold the secrets because the test compares with them.
    """
    pieces = [repr(error), str(error), repr(error.args), repr(vars(error))]
    chained: list[BaseException] = []
    current: BaseException | None = error
    while current is not None and current not in chained:
        chained.append(current)
        current = current.__cause__ or current.__context__
    for link in chained:
        link_traceback = _without_tests(link.__traceback__)
        summary = traceback.StackSummary.extract(traceback.walk_tb(link_traceback), capture_locals=True)
        pieces.extend(summary.format())
        console = Console(file=io.StringIO(), width=2000)
        console.print(
            Traceback.from_exception(
                type(link), link, link_traceback, show_locals=True, locals_max_length=1000, locals_max_string=10_000
            )
        )
        assert isinstance(console.file, io.StringIO)
        pieces.append(console.file.getvalue())
    return "\n".join(pieces)


def _without_tests(trace: TracebackType | None) -> TracebackType | None:
    while trace is not None and Path(trace.tb_frame.f_code.co_filename).is_relative_to(TESTS):
        trace = trace.tb_next
    return trace


def leaked(text: str) -> list[str]:
    return [secret for secret in SECRETS if secret in text]


def assumed() -> Session:
    return assume_role(CannedSts(now=NOW).connection(), REQUEST, clock=lambda: NOW)


def test_the_check_finds_a_secret_where_there_is_one() -> None:
    """The positive control: a plain local in a frame outside the tests is found."""
    namespace: dict[str, Callable[[str], None]] = {}
    exec(compile("def fail(plain):\n    raise ValueError('x')\n", "/somewhere/else.py", "exec"), namespace)
    with pytest.raises(ValueError, match="x") as failure:
        namespace["fail"](SECRET_KEY)
    assert leaked(shown_everywhere(failure.value)) == [SECRET_KEY]


def test_a_good_run_logs_nothing_secret(log: io.StringIO) -> None:
    session = assumed()
    texts = [hand_over(session, name, now=NOW) for name in ("bash", "json")]
    clipboard.copy(texts[0], clipboard.ClipboardOptions(secrets_through_terminal=True), environ={"TERM": "xterm"})
    logging.getLogger("iamtui").debug("%s %r %s %r", session, session, texts, REQUEST)
    assert "role/deploy/Deployer" in log.getvalue(), "the log works"
    assert leaked(log.getvalue()) == []


@pytest.mark.parametrize(
    "sts",
    [
        CannedSts(now=NOW, refusal=sts_error("AccessDenied", "not authorized to perform: sts:AssumeRole")),
        CannedSts(now=NOW, refusal=sts_error("ValidationError", "no", 400)),
        CannedSts(now=NOW, refusal=sts_error("ValidationError", f"Value '{MFA_CODE}' at 'tokenCode' failed", 400)),
        CannedSts(now=NOW, refusal=sts_error("AccessDenied", f"MultiFactorAuthentication failed: {MFA_CODE}")),
        CannedSts(now=NOW, refusal=(200, "<html>")),
        CannedSts(now=NOW, refusal=(500, "")),
        CannedSts(now=NOW, credentials={"AccessKeyId": "bad id"}),
        CannedSts(now=NOW, credentials={"SecretAccessKey": SECRET_KEY + "\n"}),
        CannedSts(now=NOW, credentials={"SessionToken": TOKEN + ";"}),
        CannedSts(now=NOW, credentials={"Expiration": "2020-01-01T00:00:00Z"}),
    ],
    ids=lambda sts: str(sts.refusal or sts.credentials)[:40],
)
def test_a_failing_call_shows_nothing_secret(sts: CannedSts, log: io.StringIO) -> None:
    with pytest.raises(Problem) as failure:
        assume_role(sts.connection(), REQUEST, clock=lambda: NOW)
    assert leaked(shown_everywhere(failure.value)) == []
    logging.getLogger("iamtui").error("failed", exc_info=failure.value)
    assert leaked(log.getvalue()) == []


def test_a_refused_request_shows_nothing_secret() -> None:
    entered = AssumeRoleInput("x", "y z", 1, EXTERNAL_ID + " ", "s", Secret("90721x"))
    shown = shown_everywhere(InvalidRequest(entered.problems()))
    assert leaked(shown) == []
    assert "90721x" not in shown


def test_a_failing_identity_call_shows_nothing_secret(log: io.StringIO) -> None:
    sts = CannedSts(now=NOW, identity=sts_error("InvalidClientTokenId", "The security token is invalid"))
    session = assume_role(sts.connection(), REQUEST, clock=lambda: NOW)
    assert session.identity_error
    assert leaked(repr(session) + str(session) + session.identity_error + log.getvalue()) == []


def test_a_bug_after_the_call_shows_nothing_secret() -> None:
    """An exception of our own making right behind the STS call: the clock is the first thing that runs there."""

    def broken_clock() -> datetime:
        raise Provoked

    with pytest.raises(Provoked) as failure:
        assume_role(CannedSts(now=NOW).connection(), REQUEST, clock=broken_clock)
    shown = shown_everywhere(failure.value)
    assert "answer = " in shown, "the frame that holds the answer is in it"
    assert leaked(shown) == []


@pytest.mark.parametrize("name", ["bash", "json", "no-such-format"])
def test_a_failing_hand_over_shows_nothing_secret(name: str) -> None:
    session = assumed()
    for broken in (
        replace(session, session_token=Secret(TOKEN + "\n")),
        replace(session, secret_access_key=Secret(SECRET_KEY + "'")),
        replace(session, region="not a region"),
        replace(session, expires_at=NOW - timedelta(hours=1)),
    ):
        with pytest.raises(Problem) as failure:
            hand_over(broken, name, now=NOW)
        assert leaked(shown_everywhere(failure.value)) == []


def test_a_failing_copy_shows_nothing_secret() -> None:
    text = hand_over(assumed(), "bash", now=NOW)
    with pytest.raises(Problem) as failure:
        clipboard.copy(text, clipboard.ClipboardOptions(command="false"), environ={"PATH": "/usr/bin:/bin"})
    assert leaked(shown_everywhere(failure.value)) == []


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_session_cannot_be_pickled(protocol: int) -> None:
    for record in (assumed(), REQUEST, hand_over(assumed(), "json", now=NOW)):
        with pytest.raises(TypeError) as failure:
            pickle.dumps(record, protocol)
        assert leaked(str(failure.value)) == []


def test_a_session_shows_masks() -> None:
    session = assumed()
    assert leaked(repr(session) + str(session) + f"{session}" + repr(REQUEST)) == []
    assert "Secret(" in repr(session)
