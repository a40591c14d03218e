"""The demo: a made-up company's account from a packaged file, and an STS that answers nobody else.

`load_demo_account` reads the file and loads no SDK, and `demo_connection` costs nothing until a call is made.
"""

from __future__ import annotations

import base64
import json
import secrets
from datetime import UTC, datetime, timedelta
from functools import cache
from importlib.resources import files
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit
from xml.sax.saxutils import escape

from iamtui.account.authorization_details import load_account
from iamtui.account.model import Account, Known, User
from iamtui.aws.connection import Connection

DEMO_REGION: Final = "eu-west-1"
"""The Region that the demo works in."""

_DATA: Final = "puffin-parcel.json"


@cache
def load_demo_account() -> Account:
    """The demo's account, as the packaged file has it; read once."""
    data = files("iamtui.sources").joinpath("demo_data", _DATA).read_bytes()
    return load_account(data, origin="The demo account")


def demo_connection() -> Connection:
    """A connection whose caller is the demo's engineer, and of which STS alone answers."""
    caller = _caller(load_demo_account())
    keys = caller.access_keys.value_or(())
    return Connection.with_stub(
        _answer,
        access_key_id=next(key.id for key in keys if key.status == "Active"),
        secret_access_key="the demo needs no secret",  # noqa: S106 - nobody checks a signature
        region=DEMO_REGION,
    )


def _caller(account: Account) -> User:
    caller = account.by_arn(account.caller_arn.value) if isinstance(account.caller_arn, Known) else None
    assert isinstance(caller, User)
    return caller


def _answer(*, request: Any, **_event: Any) -> Any:
    """The answer of the demo's STS to a prepared request, or None where it has none.

    It keeps nothing of the sessions that it gives: whose one is stands in its token.
    """
    from iamtui.aws.http import canned_answer  # loads botocore

    if not str(urlsplit(request.url).hostname).startswith("sts."):
        return None
    body = request.body.decode() if isinstance(request.body, bytes) else str(request.body)
    given = dict(parse_qsl(body))
    token = request.headers.get("X-Amz-Security-Token", "")
    token = token.decode() if isinstance(token, bytes) else token
    account = load_demo_account()
    caller = _caller(account)
    arn, user_id = json.loads(base64.b64decode(token)) if token else (caller.arn, caller.id)
    match given["Action"]:
        case "GetCallerIdentity":
            result = f"<Arn>{escape(arn)}</Arn><UserId>{user_id}</UserId><Account>{arn.split(':')[4]}</Account>"
        case "GetSessionToken":
            result = _credentials(arn, user_id, given)
        case "AssumeRole":
            known, session = account.by_arn(given["RoleArn"]), given["RoleSessionName"]
            owner, role = given["RoleArn"].split(":")[4], given["RoleArn"].rpartition("/")[2]
            arn = f"arn:{account.partition}:sts::{owner}:assumed-role/{role}/{session}"
            user_id = f"{getattr(known, 'id', 'AROAEXAMPLEOFANOTHER')}:{session}"
            user = f"<Arn>{escape(arn)}</Arn><AssumedRoleId>{user_id}</AssumedRoleId>"
            result = f"{_credentials(arn, user_id, given)}<AssumedRoleUser>{user}</AssumedRoleUser>"
        case _:
            return None
    action = given["Action"]
    return canned_answer(request.url, f"<R><{action}Result>{result}</{action}Result></R>".encode())


def _credentials(arn: str, user_id: str, given: dict[str, str]) -> str:
    key = "ASIA" + "".join(secrets.choice("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567") for _ in range(16))
    token = base64.b64encode(json.dumps([arn, user_id]).encode()).decode()
    end = datetime.now(UTC) + timedelta(seconds=int(given.get("DurationSeconds", "3600")))
    return (
        f"<Credentials><AccessKeyId>{key}</AccessKeyId><SecretAccessKey>{secrets.token_hex(20)}</SecretAccessKey>"
        f"<SessionToken>{token}</SessionToken><Expiration>{end:%Y-%m-%dT%H:%M:%SZ}</Expiration></Credentials>"
    )
