"""The collector is off while threads make what stays, and on again afterwards, whoever ends last."""

from __future__ import annotations

import gc

import pytest

from iamtui.tui.garbage import making


def test_the_collector_rests_until_the_last_maker_has_ended() -> None:
    assert gc.isenabled()
    with making():
        assert not gc.isenabled()
        with making():
            assert not gc.isenabled()
        assert not gc.isenabled()
    assert gc.isenabled()


def test_it_is_on_again_after_an_error() -> None:
    with pytest.raises(ZeroDivisionError), making():
        raise ZeroDivisionError
    assert gc.isenabled()


def test_a_collector_that_is_off_stays_off() -> None:
    gc.disable()
    try:
        with making():
            assert not gc.isenabled()
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_much_that_was_made_is_left_out_of_later_rounds_and_little_is_not() -> None:
    gc.collect()
    before = gc.get_freeze_count()
    with making():
        few = [[] for _ in range(100)]
    assert gc.get_freeze_count() == before
    with making():
        many = [[number] for number in range(50_000)]
    assert gc.get_freeze_count() >= before + 50_000
    assert (len(few), len(many)) == (100, 50_000)
