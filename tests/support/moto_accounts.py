"""Several accounts in one moto server: moto takes the account of a caller from the role that its keys came from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import boto3

from tests.support.moto_server import ACCOUNT, KEY_ID, REGION, SECRET, MotoServer


def keys_in(moto: MotoServer, account: str) -> dict[str, str]:
    """The access key id, secret and token of a caller in an account."""
    if account == ACCOUNT:
        return {"aws_access_key_id": KEY_ID, "aws_secret_access_key": SECRET}
    role = f"arn:aws:iam::{account}:role/reader"
    made = moto.client("sts").assume_role(RoleArn=role, RoleSessionName="test")["Credentials"]
    return {
        "aws_access_key_id": made["AccessKeyId"],
        "aws_secret_access_key": made["SecretAccessKey"],
        "aws_session_token": made["SessionToken"],
    }


def client_in(moto: MotoServer, account: str, service: str) -> Any:
    """A client, none of iamtui's, that fills an account."""
    return boto3.client(service, endpoint_url=moto.url, region_name=REGION, **keys_in(moto, account))


def profiles(moto: MotoServer, folder: Path, **accounts: str) -> None:
    """Write an AWS credentials file that has a profile for each account."""
    text = ""
    for name, account in accounts.items():
        text += f"[{name}]\nregion = {REGION}\n"
        text += "".join(f"{key} = {value}\n" for key, value in keys_in(moto, account).items())
    (folder / "credentials").write_text(text)
