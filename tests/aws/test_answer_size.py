"""An endpoint that never stops answering does not fill the memory."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from iamtui.aws import answer_size, connection
from iamtui.aws.answer_size import AnswerTooLarge, LimitedHttpSession
from iamtui.aws.connection import Connection
from iamtui.aws.errors import AwsProblem
from tests.support.fault_proxy import Answer, FaultProxy


class _Endless:
    """What urllib3 gives for an answer in chunks that has no end."""

    def __init__(self) -> None:
        self.given = 0
        self.closed = False

    def stream(self) -> Any:
        while True:
            self.given += 1
            yield b"x" * 1000

    def close(self) -> None:
        self.closed = True


def test_reading_stops_at_the_limit() -> None:
    raw = _Endless()
    response = SimpleNamespace(url="http://localhost", status_code=200, headers={}, raw=raw)
    session = LimitedHttpSession(SimpleNamespace(send=lambda _request: response, close=lambda: None), largest=10_500)
    with pytest.raises(AnswerTooLarge):
        session.send(SimpleNamespace(url="http://localhost", stream_output=False))
    assert raw.closed
    assert raw.given == 11


def test_the_sentence_names_the_call(fault_proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch) -> None:
    limited = lambda session: LimitedHttpSession(session, largest=5_000)  # noqa: E731 - one expression
    monkeypatch.setattr(answer_size, "LimitedHttpSession", limited)
    fault_proxy.on("GetCallerIdentity", Answer(200, b"<a>" + b"x" * 100_000))
    with pytest.raises(AwsProblem) as caught:
        Connection.open(profile=None, region="eu-west-1", endpoint_url=fault_proxy.url).caller()
    assert caught.value.code == "AnswerTooLarge"
    assert "sts:GetCallerIdentity" in caught.value.sentence
    assert f"{answer_size.LARGEST_ANSWER // 1024**2} MiB" in caught.value.sentence
    assert len(fault_proxy.calls) == 1


def test_a_listing_of_large_pages_is_given_up(fault_proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "LARGEST_LISTING", 100_000)
    count = iter(range(1000))

    def rule(call: Any) -> Answer | None:
        page = (
            f"<R><ListUsersResult><IsTruncated>true</IsTruncated><Marker>{next(count)}</Marker></ListUsersResult>"
            f"<!--{'x' * 30_000}--></R>"
        )
        return Answer(200, page.encode()) if call.operation == "ListUsers" else None

    fault_proxy.rules.append(rule)
    aws = Connection.open(profile=None, region="eu-west-1", endpoint_url=fault_proxy.url)
    with pytest.raises(AwsProblem) as caught:
        list(aws.pages("iam", "ListUsers"))
    assert caught.value.code == "AnswerTooLarge"
    assert "iam:ListUsers with more than" in caught.value.sentence
    assert len(fault_proxy.calls) == 4
    list(zip(range(3), aws.pages("iam", "ListUsers"), strict=False))


def test_clients_that_botocore_makes_by_itself_are_limited_too(no_aws_settings: Path) -> None:
    """Those that get a profile's credentials: they are made by botocore's session, whose own there is none else."""
    (no_aws_settings / "config").write_text(
        "[profile one]\nrole_arn = arn:aws:iam::123456789012:role/one\nsource_profile = base\n"
        "[profile base]\naws_access_key_id = AKIAIOSFODNN7EXAMPLE\naws_secret_access_key = x\n"
    )
    aws = Connection.open(profile="one", region="eu-west-1", endpoint_url=None)
    made = aws._botocore_session().create_client("sts", region_name="eu-west-1")
    assert isinstance(made._endpoint.http_session, LimitedHttpSession)
