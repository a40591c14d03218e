"""HTTP connections that give an answer up when it comes too slowly or is too large as a whole, headers included.

A read timeout starts anew with every byte, so that an endpoint which sends one now and then would be waited for
without end. Loaded with botocore, not before.
"""

from __future__ import annotations

import io
from typing import Any

import botocore.awsrequest

from iamtui.aws.answer_limits import CountedReads, check_deadline, count_wire


class _TimedResponse(botocore.awsrequest.AWSHTTPResponse):
    def __init__(self, *args: Any, status_tuple: Any = None, **kwargs: Any) -> None:
        super().__init__(*args, status_tuple=status_tuple, **kwargs)
        # Nothing has been read of it yet.
        self.fp = io.BufferedReader(CountedReads(self.fp.detach(), check_deadline, count_wire))


class _HttpConnection(botocore.awsrequest.AWSHTTPConnection):
    response_class = _TimedResponse


class _HttpsConnection(botocore.awsrequest.AWSHTTPSConnection):
    response_class = _TimedResponse


class _HttpPool(botocore.awsrequest.AWSHTTPConnectionPool):
    ConnectionCls = _HttpConnection


class _HttpsPool(botocore.awsrequest.AWSHTTPSConnectionPool):
    ConnectionCls = _HttpsConnection


def time_answers(http_session: Any) -> None:
    """Let botocore's HTTP session make connections of this kind, to the endpoint and through proxies."""
    pools = http_session._pool_classes_by_scheme  # noqa: SLF001 - botocore has no other way
    pools.update(http=_HttpPool, https=_HttpsPool)
