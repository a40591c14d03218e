"""An organization in moto: root, one OU, and a member account in it, with credentials of both accounts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import boto3

from tests.support.moto_server import KEY_ID, REGION, SECRET, MotoServer, policy

DENY_ALL = policy({"Effect": "Deny", "Action": "*", "Resource": "*"})


class Company:
    """The organization of moto's own account, which is its management account."""

    def __init__(self, moto: MotoServer) -> None:
        self._moto = moto
        self.api: Any = moto.client("organizations")
        self.id = self.api.create_organization(FeatureSet="ALL")["Organization"]["Id"]
        self.root = self.api.list_roots()["Roots"][0]["Id"]
        unit = self.api.create_organizational_unit(ParentId=self.root, Name="Prod [red]")
        self.unit = unit["OrganizationalUnit"]["Id"]
        status = self.api.create_account(Email="a@example.com", AccountName="member")["CreateAccountStatus"]
        self.member = status["AccountId"]
        self.api.move_account(AccountId=self.member, SourceParentId=self.root, DestinationParentId=self.unit)

    def enable(self, kind: str) -> None:
        self.api.enable_policy_type(RootId=self.root, PolicyType=kind)

    def attach(self, kind: str, name: str, target: str, content: str = DENY_ALL) -> str:
        made = self.api.create_policy(Content=content, Description="d", Name=name, Type=kind)["Policy"]
        self.api.attach_policy(PolicyId=made["PolicySummary"]["Id"], TargetId=target)
        return str(made["PolicySummary"]["Arn"])

    def keys(self, account: str) -> dict[str, str]:
        """Credentials of an account, as the settings of a profile: moto knows them by the role they are of."""
        role = f"arn:aws:iam::{account}:role/any"
        given = self._moto.client("sts").assume_role(RoleArn=role, RoleSessionName="test")["Credentials"]
        return {
            "aws_access_key_id": given["AccessKeyId"],
            "aws_secret_access_key": given["SecretAccessKey"],
            "aws_session_token": given["SessionToken"],
        }

    def client(self, service: str, keys: dict[str, str]) -> Any:
        return boto3.client(service, endpoint_url=self._moto.url, region_name=REGION, **keys)  # type: ignore[call-overload]


MANAGEMENT_KEYS = {"aws_access_key_id": KEY_ID, "aws_secret_access_key": SECRET}


def write_profiles(folder: Path, **profiles: dict[str, str]) -> None:
    """Write the AWS credentials file with these profiles."""
    lines = [
        f"[{name}]\n" + "".join(f"{key} = {value}\n" for key, value in keys.items()) for name, keys in profiles.items()
    ]
    (folder / "credentials").write_text("".join(lines))
