"""A session on offer, from start to stop: renewed while it is asked for, and over when nothing renews it."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import timedelta

from iamtui.credentials.renewal import Held, Renewer
from iamtui.credentials.server import Counts, CredentialsService
from iamtui.credentials.session import Session, utc_now
from iamtui.problem import Problem
from iamtui.secret import Secret
from tests.credentials.test_formats import SESSION


def lasting(minutes: float, key: str = "ASIAFIRST0000000000A") -> Session:
    """A session of one hour that ends in so many minutes."""
    end = utc_now() + timedelta(minutes=minutes)
    return replace(SESSION, access_key_id=key, expires_at=end, assumed_at=end - timedelta(hours=1))


def test_what_is_due_is_renewed_in_the_background() -> None:
    changed = threading.Event()
    changes: list[Held] = []

    def change(held: Held) -> None:
        changes.append(held)
        changed.set()

    renewer = Renewer(lasting(5), lambda _code: lasting(60, "ASIASECOND000000000A"), changed=change)
    service = CredentialsService(renewer)
    service.start()
    assert changed.wait(60)
    status = service.status
    assert status.running
    assert status.held.session.access_key_id == "ASIASECOND000000000A"
    assert status.held.renewals == 1
    assert status.counts == Counts()
    assert status.metadata_counts is None
    service.stop()
    service.stop()
    assert service.wait(0)
    assert not service.status.running


def test_a_renewal_that_fails_leaves_it_running() -> None:
    changed = threading.Event()

    def fail(_code: Secret | None) -> Session:
        raise Problem("No network.")

    renewer = Renewer(lasting(-1), fail, changed=lambda _held: changed.set())
    service = CredentialsService(renewer, with_metadata=True)
    service.start()
    assert changed.wait(60)
    assert service.status.running
    assert service.status.held.failures.sentence == "No network."
    assert service.status.metadata_counts == Counts()
    service.stop()


def test_it_ends_with_a_session_that_nothing_renews() -> None:
    service = CredentialsService(Renewer(lasting(0.003), None))
    service.start()
    assert service.wait(60)


def test_nothing_secret_is_in_its_repr() -> None:
    service = CredentialsService(Renewer(lasting(60), None))
    text = repr(service) + repr(service.status) + repr(vars(service.endpoint))
    assert service.endpoint.token.reveal() not in text
    assert SESSION.secret_access_key.reveal() not in text
    service.stop()
