"""An account of moto with IAM Identity Center: a role, its permission set, and the people behind it."""

from __future__ import annotations

from typing import Any

from tests.support.moto_server import ACCOUNT, MotoServer, allow, policy, trust

SSO_ROLE = "AWSReservedSSO_Developer_0123456789abcdef"
SSO_PATH = "/aws-reserved/sso.amazonaws.com/"
SSO_ARN = f"arn:aws:iam::{ACCOUNT}:role{SSO_PATH}{SSO_ROLE}"


def add_role(iam: Any) -> None:
    """The role, as Identity Center makes it in an account."""
    iam.create_role(RoleName=SSO_ROLE, Path=SSO_PATH, AssumeRolePolicyDocument=trust({"Federated": "idp"}))
    iam.put_role_policy(RoleName=SSO_ROLE, PolicyName="AwsSSOInlinePolicy", PolicyDocument=policy(allow("sqs:*")))


def add_people(moto: MotoServer, account: str = ACCOUNT) -> None:
    """Ana by herself and in the group Devs, with Ben; Cid in no group that is assigned."""
    sso, store = moto.client("sso-admin"), moto.client("identitystore")
    (instance,) = sso.list_instances()["Instances"]
    where = {"IdentityStoreId": instance["IdentityStoreId"]}
    name = {"GivenName": "g", "FamilyName": "f"}
    ids = {
        user: store.create_user(**where, UserName=user, DisplayName=shown, Name=name)["UserId"]
        for user, shown in (("ana@corp.example", "Ana Ruiz"), ("ben", "Ben [red]"), ("cid", "Cid"))
    }
    group = store.create_group(**where, DisplayName="Devs", Description="d")["GroupId"]
    for user in ("ana@corp.example", "ben"):
        store.create_group_membership(**where, GroupId=group, MemberId={"UserId": ids[user]})
    made = sso.create_permission_set(
        InstanceArn=instance["InstanceArn"], Name="Developer", Description="d", SessionDuration="PT8H"
    )["PermissionSet"]["PermissionSetArn"]
    sso.provision_permission_set(
        InstanceArn=instance["InstanceArn"], PermissionSetArn=made, TargetId=account, TargetType="AWS_ACCOUNT"
    )
    for kind, principal in (("USER", ids["ana@corp.example"]), ("GROUP", group)):
        sso.create_account_assignment(
            InstanceArn=instance["InstanceArn"], TargetId=account, TargetType="AWS_ACCOUNT", PermissionSetArn=made,
            PrincipalType=kind, PrincipalId=principal,
        )  # fmt: skip
