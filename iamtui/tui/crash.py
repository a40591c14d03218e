"""What the user sees when iamtui ends by an error of its own."""

from __future__ import annotations

import traceback

from iamtui.text import safe_text


def crash_report(error: BaseException | None) -> str:
    """What happened and where, in safe text, without values of variables."""
    lines = ["iamtui stopped because of an error of its own. Nothing was changed in any account."]
    if error is not None:
        lines.append(f"{type(error).__name__}: {safe_text(error, limit=500)}")
        lines.extend(
            f"  {safe_text(frame.filename)}:{frame.lineno} in {safe_text(frame.name)}"
            for frame in traceback.extract_tb(error.__traceback__)
        )
    return "\n".join(lines)
