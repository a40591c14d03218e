"""Secret: nothing but reveal() gives the text out."""

from __future__ import annotations

import copy
import dataclasses
import json
import logging
import pickle
import traceback
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iamtui.problem import Problem
from iamtui.secret import Secret

TEXT = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"


def test_reveal_gives_the_text() -> None:
    assert Secret(TEXT).reveal() == TEXT


@pytest.mark.parametrize(
    "show",
    [
        *(str, repr, ascii, lambda s: f"{s}", lambda s: f"{s!r:>60}", lambda s: f"{s:>60}"),
        *("{0} {0!r}".format, "%s".__mod__, "%r".__mod__),
        *(lambda s: str([s]), lambda s: str({"secret": s}), lambda s: f"{(s,)}"),
    ],
)
def test_no_way_of_showing_it_shows_it(show: Callable[[Secret], str]) -> None:
    shown = show(Secret(TEXT))
    assert "•" in shown or "\\u2022" in shown
    assert not any(TEXT[i : i + 4] in shown for i in range(len(TEXT) - 3))


@pytest.mark.parametrize(
    "leak",
    [
        pickle.dumps,
        copy.copy,
        copy.deepcopy,
        json.dumps,
        iter,
        lambda s: s + "x",
        lambda s: "".join([s]),
        lambda s: s[0],
        lambda s: s.__getstate__(),
        lambda s: s.__reduce_ex__(4),
        bytes,
        vars,
        open,
    ],
)
def test_what_would_store_or_copy_it_is_refused(leak: Callable[[Any], Any]) -> None:
    with pytest.raises(TypeError) as refusal:
        leak(Secret(TEXT))
    assert TEXT not in str(refusal.value)


@dataclasses.dataclass(frozen=True, slots=True)
class Holder:
    """A record as the rooms have them."""

    name: str
    secret: Secret


def test_a_record_that_holds_one_neither_shows_nor_copies_it() -> None:
    holder = Holder("n", Secret(TEXT))
    assert TEXT not in repr(holder)
    with pytest.raises(TypeError):
        dataclasses.asdict(holder)
    with pytest.raises(TypeError):
        pickle.dumps(holder)
    assert dataclasses.replace(holder, name="m").secret.reveal() == TEXT


def test_logs_show_a_mask(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        logging.getLogger("iamtui.test").debug("got %s and %r", Secret(TEXT), {"secret": Secret(TEXT)})
    assert "got ••" in caplog.text
    assert TEXT not in caplog.text


def test_a_traceback_with_locals_shows_a_mask() -> None:
    def fail(secret: Secret) -> None:
        kept = [secret]
        raise ValueError(len(kept))

    with pytest.raises(ValueError, match="1") as failure:
        fail(Secret(TEXT))
    shown = "".join(traceback.TracebackException.from_exception(failure.value, capture_locals=True).format())
    assert "kept = [Secret(" in shown
    # The call in this test's own frame is in the traceback as source text, without the value.
    assert "bPxRfiCY" not in shown


def test_the_mask_does_not_tell_the_length() -> None:
    assert str(Secret("a")) == str(Secret("a" * 900)) == str(Secret(""))


@given(st.text(alphabet=st.characters(exclude_categories=[])), st.text(alphabet=st.characters(exclude_categories=[])))
def test_equality_and_hash_follow_the_text(one: str, other: str) -> None:
    assert (Secret(one) == Secret(other)) is (one == other)
    assert Secret(one) == Secret(one)
    assert hash(Secret(one)) == hash(Secret(one))


def test_it_equals_no_plain_text_and_its_hash_is_not_the_texts() -> None:
    assert Secret(TEXT) != TEXT
    assert hash(Secret(TEXT)) != hash(TEXT)
    assert bool(Secret(TEXT)) is True
    assert bool(Secret("")) is False
    assert len(Secret("123456")) == 6


def held_bytes(secret: Secret) -> bytearray:
    """What the secret is held in."""
    found = secret._Secret__bytes  # type: ignore[attr-defined]
    assert isinstance(found, bytearray)
    return found


def test_wiping_overwrites_the_text_for_all_who_hold_it() -> None:
    secret = Secret(TEXT)
    holder, held = Holder("n", secret), held_bytes(secret)
    assert bytes(held) == TEXT.encode()
    secret.wipe()
    assert bytes(held) == bytes(len(TEXT))
    with pytest.raises(Problem, match="have been forgotten"):
        holder.secret.reveal()
    assert not holder.secret
    assert len(holder.secret) == 0
    assert str(holder.secret) == "••••••••"
    secret.wipe()


def test_the_text_is_overwritten_when_the_last_reference_goes() -> None:
    secret = Secret(TEXT)
    held = held_bytes(secret)
    assert bytes(held) == TEXT.encode()
    del secret
    assert bytes(held) == bytes(len(TEXT))
