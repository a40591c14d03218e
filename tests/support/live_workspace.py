"""An account as if it came from AWS, over a connection that answers nothing."""

from __future__ import annotations

from typing import Any

from iamtui.account.model import Account
from iamtui.aws.connection import Connection
from iamtui.workspace.source.workspace import SourceInfo, SourceKind, Workspace


def _nothing(**_event: Any) -> None:
    return None


def live_workspace(account: Account) -> Workspace:
    """A live workspace; every call of its connection is refused."""
    connection = Connection.with_stub(
        _nothing, access_key_id="AKIAIOSFODNN7EXAMPLE", secret_access_key="no secret", region="us-east-1"
    )
    return Workspace(account, SourceInfo(SourceKind.LIVE, "prod", region="us-east-1", profile="prod"), connection)
