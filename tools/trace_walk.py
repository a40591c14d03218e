"""Print the files and functions of iamtui that one answer in process passes through: `python -m tools.trace_walk`.

The demo account is asked twice: first with nothing compiled yet, then the same question again, as a screen does.
`--functions` names every function with its calls.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Final

import iamtui
from iamtui.questions.question import Question
from iamtui.workspace.opening import open_source
from iamtui.workspace.principals import resolve_principal
from iamtui.workspace.questions import ask
from iamtui.workspace.workspace import SourceChoice, SourceKind

_ROOT: Final = Path(iamtui.__file__).parent


def walk(run: Callable[[], object]) -> Counter[tuple[str, str]]:
    """How often each function of iamtui is called, by its file and name; what is not a `def` does not count."""
    calls: Counter[tuple[str, str]] = Counter()

    def note(frame: FrameType, event: str, _: object) -> None:
        code = frame.f_code
        if event == "call" and not code.co_name.startswith("<") and code.co_filename.startswith(f"{_ROOT}/"):
            calls[str(Path(code.co_filename).relative_to(_ROOT)), code.co_qualname] += 1

    sys.setprofile(note)
    try:
        run()
    finally:
        sys.setprofile(None)
    return calls


def main() -> None:
    workspace = open_source(SourceChoice(SourceKind.DEMO))
    principal = resolve_principal(workspace, "role/analytics-lake-reader")
    question = Question("s3:DeleteObject", "arn:aws:s3:::puffin-data-lake/x")
    for title in ("first answer", "same question again"):
        calls = walk(lambda: ask(workspace, principal, question))
        files = {file for file, _ in calls}
        print(f"{title}: {len(files)} files, {len(calls)} functions, {calls.total():,} calls")
        for file in sorted(files):
            functions = {name: count for (where, name), count in calls.items() if where == file}
            print(f"  {file}: {len(functions)}")
            if "--functions" in sys.argv:
                print("".join(f"    {name} {count}\n" for name, count in functions.items()), end="")


if __name__ == "__main__":
    main()
