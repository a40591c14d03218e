"""The demo: a made-up company's account from a packaged file, and a moto seeded from it that answers its calls.

`load_demo_account` reads the file and imports neither boto3 nor moto. `demo_connection` costs nothing either until
a client is made; the first call imports and seeds moto.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import cache
from importlib.resources import files
from typing import Any, Final

from iamtui.account.authorization_details import load_account
from iamtui.account.model import Account, Known
from iamtui.aws.connection import Connection

DEMO_REGION: Final = "eu-west-1"
"""The Region that the demo works in."""

_TURN: Final = threading.Lock()

_DATA: Final = "puffin-parcel.json"


@cache
def load_demo_account() -> Account:
    """The demo's account, as the packaged file has it; read once."""
    data = files("iamtui.sources").joinpath("demo_data", _DATA).read_bytes()
    return load_account(data, origin="The demo account")


def _answer(**arguments: Any) -> Any:
    """Call the one moto of this process. It fails when it lists what another thread is writing."""
    with _TURN:
        return _moto()(**arguments)


@cache
def _moto() -> Callable[..., Any]:
    from iamtui.sources.demo.moto_backend import MotoAnswers  # moto takes a second

    return MotoAnswers(load_demo_account())


def demo_connection() -> Connection:
    """A connection whose caller is the demo's engineer and that nothing but the demo answers.

    Clients of it are boto3's own. Neither the environment nor any other boto3 session of the process is touched.
    """
    return Connection.with_stub(
        _answer,
        access_key_id=_callers_access_key(load_demo_account()),
        secret_access_key="the demo needs no secret",  # noqa: S106 - moto checks no signature
        region=DEMO_REGION,
    )


def _callers_access_key(account: Account) -> str:
    """The id of the access key that the demo's caller uses: moto tells users apart by it."""
    caller = account.by_arn(account.caller_arn.value) if isinstance(account.caller_arn, Known) else None
    for user in account.users:
        if user is caller and isinstance(user.access_keys, Known):
            return next(key.id for key in user.access_keys.value if key.status == "Active")
    raise LookupError("the demo's caller has no active access key")
