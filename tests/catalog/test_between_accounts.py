"""The limits of what policies of resources give to other accounts, against the actions and a second writing."""

from __future__ import annotations

import json
from importlib.resources import files

from iamtui.catalog.actions import catalogue
from iamtui.catalog.between_accounts import gift_limit
from tests.reference.between_accounts import GIVEN, NAMED, NEVER, can_be_given

DATA = json.loads(files("iamtui.catalog").joinpath("between_accounts.json").read_text(encoding="utf-8"))
ENTRIES = DATA["resource_policies"]


def test_every_list_names_actions_and_the_pages_that_say_so() -> None:
    for entry in ENTRIES:
        assert ": " in entry["source"], entry
        known = {action.split(":")[1] for action in catalogue().actions_of(entry["service"])}
        for kind in ("only", "not", "takes", "depends"):
            assert set(entry.get(kind, ())) <= known | {"*"}, entry["service"]
            assert list(entry.get(kind, ())) == sorted(entry.get(kind, ())), entry["service"]


def test_the_limits_are_those_of_a_second_writing() -> None:
    services = {entry["service"] for entry in ENTRIES}
    assert services - {"vpc-lattice-svcs"} == {*GIVEN, *NEVER, *NAMED}
    for service in (*services, "ec2"):
        for action in catalogue().actions_of(service):
            name = action.split(":")[1].lower()
            limit = gift_limit(service, name)
            expected = can_be_given(service, name)
            assert (True if limit is None else False if limit.never else None) is expected, action


def test_a_name_that_is_not_known_is_no_gift_of_a_closed_list() -> None:
    limit = gift_limit("kms", "aninvention")
    assert limit is not None
    assert limit.never
    assert gift_limit("sqs", "aninvention") is None


def test_every_call_that_only_some_accounts_can_make_is_one_and_has_its_page() -> None:
    named = [action for entry in DATA["calls"] for action in entry["actions"]]
    assert len(named) == len(set(named))
    assert [action for action in named if not action.endswith("*") and not catalogue().knows(action)] == []
    assert all(entry["source"] for entry in DATA["calls"])
