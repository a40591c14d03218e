"""A profile whose credential_process is iamtui: taken where it leads on, refused where it leads in a circle."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from iamtui.aws.process_loop import ASKING, enter_profile, runs_iamtui
from iamtui.aws.profiles import Profile
from iamtui.problem import Problem

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("iamtui assume prod --format json", True),
        ("/home/me/.local/bin/iamtui assume prod", True),
        ("env X=1 iamtui assume prod", True),
        ("'C:/tools/iamtui.exe' assume prod", True),
        ("aws-vault export prod", False),
        ("cat /iamtui/answer", False),
        ("iamtui 'unclosed", True),
        ("", False),
    ],
)
def test_what_runs_iamtui(command: str, expected: bool) -> None:
    assert runs_iamtui(Profile("p", command=command)) is expected


def test_a_circle_is_seen_by_the_second_process(no_aws_settings: Path) -> None:
    (no_aws_settings / "config").write_text("[profile prod]\ncredential_process = iamtui assume r --format json\n")
    environ: dict[str, str] = {}
    enter_profile("prod", environ)
    enter_profile("prod", environ)
    assert environ == {ASKING: f"{os.getpid()}:prod"}, "the same process may ask again"
    inherited = {ASKING: "1:prod"}
    with pytest.raises(Problem, match="that is a circle") as problem:
        enter_profile("prod", inherited)
    assert "--profile BASE" in problem.value.next_step
    enter_profile("other", inherited)
    assert inherited == {ASKING: "1:prod"}


def test_the_default_profile_counts_too(no_aws_settings: Path) -> None:
    (no_aws_settings / "config").write_text("[default]\ncredential_process = iamtui assume r --format json\n")
    with pytest.raises(Problem, match="profile default"):
        enter_profile("", {ASKING: "1:default"})


def test_iamtui_that_would_run_itself_for_ever_says_so(no_aws_settings: Path, tmp_path: Path) -> None:
    command = tmp_path / "iamtui"
    command.write_text(f'#!/bin/sh\ncd {ROOT}\nexec {sys.executable} -m iamtui "$@"\n')
    command.chmod(0o755)
    role = "arn:aws:iam::123456789012:role/x"
    (no_aws_settings / "config").write_text(
        "[profile prod]\nregion = eu-west-1\n"
        f"credential_process = {command} assume {role} --format json --profile prod\n"
    )
    done = subprocess.run(
        [command, "assume", role, "--profile", "prod", "--format", "json", "--endpoint-url", "http://127.0.0.1:9"],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 2
    assert done.stdout == ""
    assert "that is a circle" in done.stderr
    assert "Traceback" not in done.stderr
