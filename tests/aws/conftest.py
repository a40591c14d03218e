from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.connecting import Listener


@pytest.fixture
def listener() -> Iterator[Listener]:
    found = Listener()
    yield found
    found.socket.close()
