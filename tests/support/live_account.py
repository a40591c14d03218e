"""An account read from AWS, or from an endpoint that answers as AWS does, in one call."""

from __future__ import annotations

from iamtui.account.model import Account
from iamtui.aws.connection import Connection
from iamtui.sources.live import LiveReading
from iamtui.sources.parallel import Step, no_step


def load_live(connection: Connection, step: Step = no_step) -> Account:
    """The account; an exception from `step`, which is called now and then, stops the load."""
    return LiveReading().read(connection, step)
