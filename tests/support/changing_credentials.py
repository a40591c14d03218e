"""A profile whose credential_process gives keys that are renewed at each call, of whichever account a test says."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3

from tests.support.connecting import config
from tests.support.moto_server import REGION, MotoServer

OTHER = "222222222222"
PROFILE = "changing"


@dataclass(frozen=True)
class ChangingCredentials:
    """What the profile's command prints: a file."""

    moto: MotoServer
    file: Path

    def become(self, account: str) -> str:
        """Have the next renewal give new keys of this account; returns their access key id."""
        role = f"arn:aws:iam::{account}:role/x"
        given = self.moto.client("sts").assume_role(RoleArn=role, RoleSessionName="session")["Credentials"]
        names = ("AccessKeyId", "SecretAccessKey", "SessionToken")
        # So near its end that botocore renews it before each request.
        end = (datetime.now(UTC) + timedelta(minutes=5)).isoformat()
        printed = {"Version": 1, **{name: given[name] for name in names}, "Expiration": end}
        self.file.write_text(json.dumps(printed))
        return str(given["AccessKeyId"])

    def client(self, service: str) -> Any:
        """A client with the keys as they are now, which fills their account."""
        printed = json.loads(self.file.read_text())
        return boto3.client(
            service,
            endpoint_url=self.moto.url,
            region_name=REGION,
            aws_access_key_id=printed["AccessKeyId"],
            aws_secret_access_key=printed["SecretAccessKey"],
            aws_session_token=printed["SessionToken"],
        )


def changing_credentials(moto: MotoServer, aws_folder: Path, account: str) -> ChangingCredentials:
    file = aws_folder / "printed.json"
    config(aws_folder, f"[profile {PROFILE}]\nregion = us-east-1\ncredential_process = cat {file}\n")
    changing = ChangingCredentials(moto, file)
    changing.become(account)
    return changing
