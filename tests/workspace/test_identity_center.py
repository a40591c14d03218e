"""The people behind roles of IAM Identity Center, in words and as JSON: each is repeated for every role of a set."""

from __future__ import annotations

from iamtui.account.identity_center import (
    Assignee,
    BehindRole,
    IdentityCenter,
    IdentityGroup,
    PermissionSet,
    Person,
    SignsIn,
)
from iamtui.workspace.source.inventory import people_words, sign_in_json

LONG = "\U0001f600" * 1024
SET = PermissionSet("arn:aws:sso:::permissionSet/1/2", "Developer")


def behind(count: int, *groups: str, unknown: tuple[str, ...] = ()) -> BehindRole:
    people = tuple(SignsIn(Person(f"u-{number}", LONG, LONG[1:]), groups) for number in range(count))
    return BehindRole(SET, people, unknown)


def size(people: list[dict[str, object]]) -> int:
    return sum(len(str(value)) for person in people for value in person.values())


def test_people_are_named_as_far_as_there_is_room_and_the_others_counted() -> None:
    found = sign_in_json(behind(1_000, LONG, "staff"), 100_000)
    assert 0 < len(found["people"]) < 1_000
    assert size(found["people"]) < 110_000
    assert len(found["people"]) + found["people_more"] == 1_000


def test_a_person_in_thousands_of_groups_is_counted() -> None:
    assert sign_in_json(behind(1, *[LONG] * 2_000), 10_000) == {"people": [], "people_more": 1}


def test_groups_whose_members_are_not_known_have_an_end_too() -> None:
    found = sign_in_json(behind(0, unknown=(f"the members of {LONG}",) * 2_000), 10_000)
    assert len(found["people_not_known"]) == 10
    assert found["people_not_known"][-1] == "more groups, which are not named here"


def test_words_hold_the_start_of_long_names() -> None:
    words = people_words(behind(5, unknown=(f"the members of {LONG}",) * 2_000))
    assert len(words) < 700
    assert "and 2 more; not known: the members of" in words
    assert words.endswith("and 1,997 more")


def test_people_of_one_permission_set_are_found_once_for_all_its_roles() -> None:
    one = PermissionSet("arn:aws:sso:::permissionSet/1/2", "Developer", assignees=(Assignee("GROUP", "g"),))
    center = IdentityCenter(
        "arn:aws:sso:::instance/ssoins-1", permission_sets=(one,), groups=(IdentityGroup("g", "Devs", ("u-1", "u-2")),)
    )
    first = center.behind("AWSReservedSSO_Developer_0123456789abcdef")
    assert first is not None
    assert center.behind("AWSReservedSSO_Developer_fedcba9876543210") is first
