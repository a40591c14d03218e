"""Access-denied messages in every form AWS prints and every tool wraps, and texts that want to do harm."""

from __future__ import annotations

import json
import textwrap
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iamtui.denials import messages as denial_messages
from iamtui.denials.denial import Denial
from iamtui.denials.messages import messages_in
from iamtui.denials.reader import MOST_DENIALS, find_denials
from tests.support.slow import one_quick

ROWS: list[dict[str, Any]] = json.loads((Path(__file__).parent / "denial_messages.json").read_text(encoding="utf-8"))
TOLD = [row for row in ROWS if row["want"].get("action") and row["want"].get("layers")]

PLAIN = [row for row in TOLD if "\x1b" not in row["text"]]
"""No terminal breaks a line inside a colour."""


def facts(denial: Denial) -> dict[str, Any]:
    return {
        "form": denial.form.value,
        "caller": denial.caller,
        "action": denial.action,
        "resource": denial.resource,
        "kind": denial.claim.kind,
        "layers": [layer.value for layer in denial.claim.layers],
        "words": denial.claim.words,
        "policy": denial.claim.policy,
        "code": denial.code,
        "operation": denial.operation,
        "service": denial.service,
        "encoded": denial.encoded,
        "request_id": denial.request_id,
        "authorization_id": denial.authorization_id,
    }


def request(denial: Denial) -> tuple[object, ...]:
    return denial.caller, denial.action, denial.resource, denial.claim


@pytest.mark.parametrize("row", ROWS, ids=[row["id"] for row in ROWS])
def test_a_message_is_found_once_with_all_it_says(row: dict[str, Any]) -> None:
    found = list(messages_in(row["text"]))

    assert len(found) == 1, [facts(one) for one in found]
    told = facts(found[0])
    assert {key: told[key] for key in row["want"]} == row["want"]


@pytest.mark.parametrize("row", PLAIN, ids=[row["id"] for row in PLAIN])
@pytest.mark.parametrize("width", [79, 80, 100, 132])
def test_a_window_that_breaks_words_takes_nothing_away(row: dict[str, Any], width: int) -> None:
    flat = " ".join(row["text"].split())
    wanted = request(next(messages_in(flat)))
    if " " in str(wanted[2]) and '"' not in flat:
        # Broken and with spaces, nothing tells where an unquoted resource ends.
        return
    broken = "\n".join(flat[at : at + width] for at in range(0, len(flat), width))

    found = messages_in(broken)

    assert [request(one) for one in found] == [wanted]


@given(
    row=st.sampled_from(TOLD),
    width=st.integers(60, 140),
    indent=st.sampled_from(["", "  ", "\t", "│ ", "> ", "        "]),
    end=st.sampled_from(["\n", "\r\n", "\n\n"]),
)
@settings(deadline=None, max_examples=150)
def test_wrapped_and_indented_text_says_the_same(row: dict[str, Any], width: int, indent: str, end: str) -> None:
    flat = " ".join(row["text"].split())
    wanted = next(messages_in(flat))
    # A space inside the resource is lost when a line is broken there: no reader could tell.
    if " " in wanted.resource:
        return
    lines = textwrap.wrap(flat, width, break_long_words=False, break_on_hyphens=False)

    found = messages_in(end.join(f"{indent}{line}" for line in lines))

    assert [request(one) for one in found] == [request(wanted)]


def test_several_messages_in_a_log_keep_their_order_places_and_counts() -> None:
    texts = [row["text"].replace("\n", " ") for row in TOLD[:4]]
    log = "\n".join(f"2026-11-24T10:00:0{n}Z ERROR {text}" for n, text in enumerate([*texts, texts[0]]))

    findings = find_denials(log)

    assert [one.place.line for one in findings.denials] == [1, 2, 3, 4]
    assert [one.count for one in findings.denials] == [2, 1, 1, 1]
    assert all(log[one.place.offset :].startswith(("An error", "User:")) for one in findings.denials)


def test_the_words_around_one_message_are_not_given_to_the_next() -> None:
    log = (
        "fatal error: An error occurred (403) when calling the HeadObject operation: Forbidden\n"
        "User: arn:aws:iam::111122223333:user/ana is not authorized to perform: s3:GetObject on resource: "
        "arn:aws:s3:::b/k\n"
        "2026-11-24 something was done with an explicit deny in a service control policy\n"
    )

    head, message = find_denials(log).denials

    assert (head.operation, head.action) == ("HeadObject", "")
    assert (message.operation, message.resource, message.claim.kind) == ("", "arn:aws:s3:::b/k", "")


def test_an_encoded_message_that_was_broken_over_lines_is_whole_again() -> None:
    blob = "Ab1-_" * 300
    text = "An error occurred (UnauthorizedOperation) when calling the RunInstances operation: You are not authorized "
    text += f"to perform this operation. Encoded authorization failure message: {blob}"
    broken = "\n".join(text[at : at + 80] for at in range(0, len(text), 80))

    (denial,) = messages_in(broken)

    assert denial.encoded == blob
    (denial,) = messages_in(text + "\n\tstatus code: 403, request id: 0f1e2d3c-aaaa-bbbb-cccc-001122334455")
    assert denial.encoded == blob
    assert denial.request_id == "0f1e2d3c-aaaa-bbbb-cccc-001122334455"


@pytest.mark.parametrize(
    "text", ["", "   \n\n", "hello", "{}", "[]", "[1, 2]", "null", '{"Records": []}', "{" * 50_000]
)
def test_nothing_is_found_where_nothing_is(text: str) -> None:
    assert find_denials(text).denials == ()


HOSTILE = {
    "anchors": "is not authorized to perform:" * 30_000,
    "callers": "User: " * 150_000,
    "callers and anchors": "User: a is not authorized to perform: " * 20_000,
    "backslashes": "\\" * 800_000,
    "spaces": " " * 800_000,
    "ampersands": "&amp;" * 150_000,
    "codes": "AccessDenied" * 60_000,
    "full lines": "User: a is not authorized to perform: s3:GetObject on resource: " + ("a" * 79 + "\n") * 10_000,
    "blobs": "Encoded authorization failure message: " + ("a" * 79 + "\n") * 10_000,
    "wrappings": "An error occurred (" * 40_000 + "AccessDenied",
    "urls": "s3://a" * 130_000 + "AccessDenied",
    "ids": "request id " * 70_000 + "AccessDenied",
    "colours": "\x1b[" * 400_000,
    "reasons": "because no with an explicit deny in a " * 20_000,
    "resources": ("User: a is not authorized to perform: s3:x on resource: " + "b" * 2200 + " ") * 350,
    "quotes": 'User: a is not authorized to perform: s3:x on resource: "' * 14_000,
    "reasons without an end": ("User: a is not authorized to perform: s3:x because no " + "b" * 600 + " ") * 1_200,
    "consoles": "You don't have permission to User: a " * 20_000,
    "services": "You don't have permission to x User: " + "service:" * 100_000,
    "queues": "Access to the resource " * 34_000,
    "keys": "the ciphertext refers to a customer master key " * 17_000,
}


@pytest.mark.timeout(60)
@one_quick("name", HOSTILE)
def test_hostile_text_ends_in_findings(name: str) -> None:
    started = time.process_time()
    findings = find_denials(HOSTILE[name])

    assert len(findings.denials) <= MOST_DENIALS
    assert time.process_time() - started < 15


@given(st.text(alphabet=st.sampled_from(list("User:arn isnotauthorizedtoperform s3:Get\n\t\"'{}&;\\│")), max_size=300))
@settings(deadline=None, max_examples=150)
def test_no_text_raises(text: str) -> None:
    find_denials(text)


@given(
    rows=st.lists(st.sampled_from([*ROWS, {"text": "noise " * 40}, {"text": "GET / 200\n" * 60}]), max_size=40),
    piece=st.integers(3_000, 9_000),
    break_at=st.sampled_from([None, 80]),
)
@settings(deadline=None, max_examples=60)
def test_a_text_read_in_pieces_holds_the_same(rows: list[dict[str, Any]], piece: int, break_at: int | None) -> None:
    log = "\n\n".join(row["text"] for row in rows)
    if break_at:
        log = "\n".join(log[at : at + break_at] for at in range(0, len(log), break_at))
    whole = list(messages_in(log))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(denial_messages, "PIECE", piece)
        patch.setattr(denial_messages, "_AFTER_PIECE", 5_000)
        patch.setattr(denial_messages, "_BEFORE_PIECE", 2_900)
        assert list(messages_in(log)) == whole


def test_lines_of_one_length_are_no_wrapped_line() -> None:
    one = "User: arn:aws:iam::111122223333:user/u{} is not authorized to perform: sns:Publish on resource: "
    one += "arn:aws:sns:x:1:t"

    found = messages_in("\n".join(one.format(number) for number in range(5)))

    assert [denial.resource for denial in found] == ["arn:aws:sns:x:1:t"] * 5


def test_too_many_denials_are_counted_not_kept() -> None:
    one = "User: arn:aws:iam::111122223333:user/u{} is not authorized to perform: sns:Publish on resource: *\n"

    findings = find_denials("".join(one.format(number) for number in range(MOST_DENIALS + 10)))

    assert (len(findings.denials), findings.left_out) == (MOST_DENIALS, 10)


def test_an_action_without_resource_types_lacks_no_resource() -> None:
    said = "User: arn:aws:iam::111122223333:user/a is not authorized to perform: {} because no identity-based policy"
    (all_buckets,) = find_denials(said.format("s3:ListAllMyBuckets")).denials
    assert not any("resource" in sentence for sentence in all_buckets.unknown)
    assert all_buckets.resource_words == "none: the action has no resource type"
    (one_bucket,) = find_denials(said.format("s3:ListBucket")).denials
    assert "It does not say on which resource." in one_bucket.unknown
    assert one_bucket.resource_words == "not given"
