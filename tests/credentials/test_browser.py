"""Opening a secret URL: only the browser that was asked for has it among its arguments."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from iamtui.credentials import console_url as browser
from iamtui.credentials.console_url import open_in_browser
from iamtui.problem import Problem
from iamtui.secret import Secret
from tests.credentials.test_leaks import shown_everywhere
from tests.support.process_watch import ProcessWatch

URL = Secret("https://signin.aws.amazon.com/federation?Action=login&SigninToken=tokenOfTheTest0123")


def fake_browser(folder: Path, script: str) -> dict[str, str]:
    """An environment whose browser is a shell script."""
    file = folder / "browser"
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(0o755)
    return {"PATH": os.environ["PATH"], "BROWSER": f"{file} %s"}


def test_only_the_browser_has_the_url_among_its_arguments(tmp_path: Path) -> None:
    environ = fake_browser(tmp_path, f'printf %s "$1" > {tmp_path}/seen; read -r line < {tmp_path}/end')
    os.mkfifo(tmp_path / "end")
    opening = threading.Thread(target=open_in_browser, args=(URL, environ))
    with ProcessWatch(URL.reveal()) as watch:
        opening.start()
        watch.until(lambda: watch.in_arguments and (tmp_path / "seen").exists())
        with (tmp_path / "end").open("w") as end:
            end.write("\n")
        opening.join(60)
    assert (tmp_path / "seen").read_text() == URL.reveal()
    assert watch.in_arguments == {os.path.realpath("/bin/sh")}
    assert watch.in_environments == set()


def test_a_browser_that_stays_in_the_foreground_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.mkfifo(tmp_path / "end")
    monkeypatch.setattr(browser, "START_SECONDS", 0.5)
    open_in_browser(URL, fake_browser(tmp_path, f"read -r line < {tmp_path}/end"))
    with (tmp_path / "end").open("w") as end:
        end.write("\n")


def test_what_browsers_print_stays_off_the_screen(tmp_path: Path) -> None:
    environ = fake_browser(tmp_path, "echo noise; echo noise >&2")
    code = (
        "import json, sys\nfrom iamtui.credentials.console_url import open_in_browser\n"
        "from iamtui.secret import Secret\n"
        "open_in_browser(Secret('https://x'), json.loads(sys.argv[1]))\n"
    )
    done = subprocess.run([sys.executable, "-c", code, json.dumps(environ)], capture_output=True, check=True)
    assert done.stdout + done.stderr == b""


def test_without_a_desktop_none_is_started(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    with pytest.raises(Problem, match="no desktop here"):
        open_in_browser(URL, {"PATH": os.environ["PATH"], "TERM": "xterm"})


def test_a_browser_that_fails_is_told(tmp_path: Path) -> None:
    with pytest.raises(Problem, match="No browser could be started") as problem:
        open_in_browser(URL, fake_browser(tmp_path, "exit 1"))
    assert "tokenOfTheTest" not in shown_everywhere(problem.value)
