"""Logging of botocore, boto3 and urllib3: nothing below INFO, which would hold secrets."""

from __future__ import annotations

import logging
from typing import Final

_NOISY_LOGGERS: Final = ("botocore", "boto3", "urllib3", "s3transfer")


class _NothingBelowInfo(logging.Filter):
    """Drops DEBUG records: botocore writes secret keys, session tokens and MFA codes into them."""

    def filter(self, record: logging.LogRecord) -> bool:
        return record.levelno >= logging.INFO


_FILTER: Final = _NothingBelowInfo()


def silence_debug_logging() -> None:
    """Make sure that no level set by anybody lets botocore and its kin log below INFO.

    A level would be undone by the next `setLevel`, and a filter on a parent is not asked for its children's
    records, so every one of their loggers gets the filter.
    """
    for name in list(logging.Logger.manager.loggerDict):
        if name.split(".", 1)[0] in _NOISY_LOGGERS:
            logging.getLogger(name).addFilter(_FILTER)
    for name in _NOISY_LOGGERS:
        logging.getLogger(name).addFilter(_FILTER)
