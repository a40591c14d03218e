"""Who is behind a role of IAM Identity Center."""

from __future__ import annotations

from iamtui.account.identity_center import Assignee, IdentityCenter, IdentityGroup, PermissionSet, Person

ROLE = "AWSReservedSSO_Developer_0123456789abcdef"


def test_what_a_file_names_again_and_again_is_read_once() -> None:
    """Groups times members would be 12 GB of a file of 2 MB."""
    many = 20_000
    assignees = (Assignee("GROUP", "g"), Assignee("USER", "u-1")) * many
    center = IdentityCenter(
        "arn:aws:sso:::instance/ssoins-1",
        permission_sets=(PermissionSet("arn:aws:sso:::permissionSet/1/2", "Developer", assignees=assignees),),
        groups=(IdentityGroup("g", "Devs", ("u-1", "u-2") * many),),
        people=(Person("u-1", "ana"), Person("u-2", "ben")),
    )
    behind = center.behind(ROLE)
    assert behind is not None
    assert [(one.person.user_name, one.groups) for one in behind.people] == [("ana", ("Devs",)), ("ben", ("Devs",))]
