"""IAM Identity Center of an account: permission sets, whom they are assigned to, groups and people. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cached_property
from typing import Annotated, Final, Literal

from msgspec import Meta, Struct

_ROLE_NAME: Final = re.compile(r"AWSReservedSSO_(.+)_[0-9a-z]+", re.DOTALL)
"""Role name that Identity Center gives a permission set (IAM Identity Center User Guide: permission sets); 16
hexadecimal digits, or their pseudonym in a redacted snapshot, follow the last underscore.
"""

_ROLE_FOLDER: Final = re.compile(r"/aws-reserved/sso\.amazonaws\.com/(?:([a-z0-9-]+)/)?")
_FIRST_REGION: Final = "us-east-1"
"""The Region that the path of a role does not name."""

Duration = Annotated[str, Meta(pattern=r"^(P[0-9YMWDTHS]{1,98})?\Z")]
"""ISO 8601, as "PT8H"; "" where it is not known."""

Id = Annotated[str, Meta(max_length=128)]
Words = Annotated[str, Meta(max_length=1024)]
"""A name or a description: each is shown once for everybody whom it concerns."""

_MOST_KEPT: Final = 400_000
"""People behind all permission sets whose people are kept: some 150 bytes each."""


class Assignee(Struct, frozen=True):
    """Assignee of a permission set: a user or a group of the identity store, by its id."""

    type: Literal["USER", "GROUP"]
    id: Id


class PermissionSet(Struct, frozen=True):
    """A permission set that is provisioned to the account; `assignees` is None where they could not be read."""

    arn: Annotated[str, Meta(max_length=1224)]
    name: Words
    description: Words = ""
    session_duration: Duration = ""
    assignees: tuple[Assignee, ...] | None = None


class IdentityGroup(Struct, frozen=True):
    """A group of the identity store; `name` is "" and `members` None where they could not be read."""

    id: Id
    name: Words = ""
    members: tuple[Id, ...] | None = None

    @property
    def words(self) -> str:
        """Its name, or its id where the name is not known; raw text."""
        return self.name or self.id


class Person(Struct, frozen=True):
    """A user of the identity store; the names are "" where they could not be read."""

    id: Id
    user_name: Words = ""
    display_name: Words = ""

    @property
    def words(self) -> str:
        """Their name, with what they sign in as; raw text."""
        if self.display_name and self.user_name and self.display_name != self.user_name:
            return f"{self.display_name} ({self.user_name})"
        return self.display_name or self.user_name or self.id


class IdentityCenter(Struct, frozen=True, dict=True):
    """IAM Identity Center as far as it concerns one account.

    Args:
        instance: its ARN.
        identity_store: the id of the store that its people and groups are in.
        owner: the account that it is in, or "".
        unread: the permissions that reading it all would have taken.
    """

    instance: str
    identity_store: str = ""
    owner: str = ""
    permission_sets: tuple[PermissionSet, ...] = ()
    groups: tuple[IdentityGroup, ...] = ()
    people: tuple[Person, ...] = ()
    unread: tuple[str, ...] = ()

    @cached_property
    def _sets(self) -> Mapping[str, PermissionSet]:
        return {one.name: one for one in self.permission_sets}

    @cached_property
    def _groups(self) -> Mapping[str, IdentityGroup]:
        return {one.id: one for one in self.groups}

    @cached_property
    def _people(self) -> Mapping[str, Person]:
        return {one.id: one for one in self.people}

    @cached_property
    def _behind(self) -> dict[str, BehindRole]:
        return {}

    def behind(self, role_name: str) -> BehindRole | None:
        """Who can sign in to a role of Identity Center; None where it has no permission set of that name."""
        found = self._sets.get(permission_set_name(role_name))
        if found is None:
            return None
        # Thousands of roles may be of one permission set, and thousands of people behind it.
        kept = self._behind.get(found.name)
        if kept is None:
            kept = self._of_set(found)
            if sum(len(one.people) for one in self._behind.values()) + len(kept.people) > _MOST_KEPT:
                self._behind.clear()
            self._behind[found.name] = kept
        return kept

    def group(self, group_id: str) -> IdentityGroup:
        """A group by its id; one without name and members where nothing of it is known."""
        return self._groups.get(group_id) or IdentityGroup(group_id)

    def person(self, person_id: str) -> Person:
        """Somebody by their id; without names where nothing of them is known."""
        return self._people.get(person_id) or Person(person_id)

    def _of_set(self, found: PermissionSet) -> BehindRole:
        people: dict[str, list[str]] = {}
        unknown: list[str] = []
        # A file may name each of them as often as it likes.
        for assignee in dict.fromkeys(found.assignees or ()):
            if assignee.type == "USER":
                people.setdefault(assignee.id, [])
                continue
            group = self.group(assignee.id)
            if group.members is None:
                unknown.append(f"the members of {group.words}")
            for member in dict.fromkeys(group.members or ()):
                people.setdefault(member, []).append(group.words)
        if found.assignees is None:
            unknown.append("whom it is assigned to")
        named = (SignsIn(self.person(one), tuple(groups)) for one, groups in people.items())
        ordered = sorted(named, key=lambda one: (one.person.words.lower(), one.person.id))
        return BehindRole(found, tuple(ordered), tuple(unknown))


class SignsIn(Struct, frozen=True):
    """Somebody who can sign in to a role; `groups` are the names of those that it is by, none where directly."""

    person: Person
    groups: tuple[str, ...]


class BehindRole(Struct, frozen=True):
    """A role's permission set, who can sign in to it, and what of that is not known, as phrases of raw text."""

    permission_set: PermissionSet
    people: tuple[SignsIn, ...]
    unknown: tuple[str, ...]


def permission_set_name(role_name: str) -> str:
    """The name of the permission set that a role was made for, or ""."""
    found = _ROLE_NAME.fullmatch(role_name)
    return found.group(1) if found else ""


def region_of_path(role_path: str) -> str:
    """The Region of the Identity Center that a role belongs to, by the role's path; "" for other roles."""
    found = _ROLE_FOLDER.fullmatch(role_path)
    return (found.group(1) or _FIRST_REGION) if found else ""
