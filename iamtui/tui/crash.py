"""What the user sees when iamtui ends by an error of its own."""

from __future__ import annotations

import traceback
from typing import Any

from textual.worker import Worker

from iamtui.problem import Problem
from iamtui.secret import redacted
from iamtui.text import safe_text


def crash_report(error: BaseException | None) -> str:
    """What happened and where, in safe text, without values of variables and what looks like a secret."""
    lines = ["iamtui stopped because of an error of its own. Nothing was changed in any account."]
    if error is not None:
        lines.append(f"{type(error).__name__}: {safe_text(redacted(str(error)), limit=500)}")
        lines.extend(
            f"  {safe_text(frame.filename)}:{frame.lineno} in {safe_text(frame.name)}"
            for frame in traceback.extract_tb(error.__traceback__)
        )
    return "\n".join(lines)


def worker_failure(worker: Worker[Any]) -> str:
    """A worker that failed in one sentence: the kind of error, but not its words, which may hold data."""
    if isinstance(worker.error, Problem):
        return str(worker.error)
    doing = f" while {worker.name}" if worker.name and worker.name.isprintable() and "<" not in worker.name else ""
    return f"{type(worker.error).__name__}, an error in iamtui{doing}."
