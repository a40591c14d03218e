"""moto stub of the demo: answers one botocore session's AWS requests, seeded once, one request at a time."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, Final

from iamtui.account.model import Account

_MOST_SESSIONS: Final = 32
"""How many of the sessions that it has given the demo's STS still knows."""


class DemoAnswers:
    """A `before-send` handler of botocore that answers from moto.

    moto's process-wide mock would answer the clients of real AWS too and write dummy keys into the environment that
    child shells inherit. Its stub, registered on one session only, does neither. Its backends are still one set for
    the process, so there is one demo in a process.

    Args:
        account: gives the account to seed moto with; called once, at the first answer.
    """

    def __init__(self, account: Callable[[], Account]) -> None:
        self._account = account
        self._stub: Callable[..., Any] | None = None
        # moto fails when it lists what another thread is writing, so requests take turns.
        self._turn = threading.Lock()

    def __call__(self, *, event_name: str = "before-send", request: Any, **_more: Any) -> Any:
        """The response to a prepared request, or None when moto knows no such service."""
        with self._turn:
            response = self._ready()(event_name, request)
            _forget_old_sessions()
            return response

    def _ready(self) -> Callable[..., Any]:
        if self._stub is None:
            from moto.core.base_backend import AccountSpecificBackend  # heavy
            from moto.core.botocore_stubber import BotocoreStubber  # heavy
            from moto.core.loaders import Loader  # heavy

            from iamtui.aws.session import session_without_settings  # heavy

            # moto too would prefer the models of ~/.aws/models.
            Loader.CUSTOMER_DATA_PATH = Loader.BUILTIN_DATA_PATH
            # moto's own session would fail on an AWS_PROFILE that does not exist.
            session = session_without_settings()
            AccountSpecificBackend.get_session = staticmethod(lambda: session)  # type: ignore[method-assign,assignment]
            from iamtui.sources.demo.moto_backend import seed  # imports moto

            seed(self._account())
            stub = BotocoreStubber()
            stub.enabled = True
            self._stub = stub
        return self._stub


def _forget_old_sessions() -> None:
    from moto.iam.models import AccessKey, iam_backends  # heavy
    from moto.sts.models import AssumedRole, sts_backends  # heavy

    for partitions in sts_backends.values():
        for backend in partitions.values():
            for old in backend.assumed_roles[:-_MOST_SESSIONS]:
                iam_backends[old.account_id][old.partition].access_keys.pop(old.access_key_id, None)
            del backend.assumed_roles[:-_MOST_SESSIONS]
    kinds: tuple[Any, ...] = (AccessKey, AssumedRole)
    for kind in kinds:
        # All there ever were, for moto's own reset.
        kind.instances_tracked.clear()
