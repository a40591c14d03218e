"""HOME and the XDG folders of another form: nothing is written in the folder that one stands in."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ASK = ("can", "chen.wei", "s3:ListAllMyBuckets", "--demo")
_NO_PASSWD = """
import pwd
def nobody(_uid): raise KeyError
pwd.getpwuid = nobody
"""
_RUN = "from iamtui.__main__ import main; main()"
XDG = ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME")


@pytest.fixture
def stands_in(tmp_path: Path) -> Path:
    folder = tmp_path / "stands in"
    folder.mkdir()
    return folder


def run(folder: Path, *words: str, before: str = "", **variables: str) -> subprocess.CompletedProcess[str]:
    """A run with only these variables; the user has no entry in passwd where `before` says so."""
    return subprocess.run(
        [sys.executable, "-c", before + _RUN, *words],
        cwd=folder,
        env={"PATH": "/usr/bin:/bin", **variables},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


HOMES = {
    "unset, without an entry in passwd": ({}, _NO_PASSWD),
    "empty, without an entry in passwd": ({"HOME": ""}, _NO_PASSWD),
    "relative, without an entry in passwd": ({"HOME": "mine"}, _NO_PASSWD),
    "missing": ({"HOME": "{tmp}/none"}, ""),
    "a file": ({"HOME": "{tmp}/file"}, ""),
    "not writable": ({"HOME": "/proc"}, ""),
    "XDG relative": ({"HOME": "{tmp}/home", **dict.fromkeys(XDG, "mine")}, ""),
    "XDG a file": ({"HOME": "{tmp}/home", **dict.fromkeys(XDG, "{tmp}/file")}, ""),
    "XDG not writable": ({"HOME": "{tmp}/home", **dict.fromkeys(XDG, "/proc")}, ""),
}


@pytest.mark.parametrize("form", HOMES)
def test_whatever_the_home_is_nothing_lands_where_one_stands(form: str, stands_in: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "home").mkdir()
    variables, before = HOMES[form]
    variables = {name: value.format(tmp=tmp_path) for name, value in variables.items()}
    for words in (ASK, ("config", "init", "--write"), ("questions", "list"), (*ASK, "--save", "mine")):
        done = run(stands_in, *words, before=before, **variables)
        assert "Traceback" not in done.stderr
        assert "error in iamtui itself" not in done.stderr
        assert done.returncode in (0, 1) or done.stderr.splitlines()[-1].startswith("iamtui: "), done
        assert [*stands_in.iterdir()] == []
    (tmp_path / "none").mkdir(exist_ok=True)
    assert {*tmp_path.iterdir()} == {stands_in, *(tmp_path / name for name in ("file", "home", "none"))}


@pytest.mark.parametrize("home", ["mine", "", "./mine", "~"])
def test_a_relative_home_is_not_one(home: str, stands_in: Path) -> None:
    (stands_in / "mine/.aws").mkdir(parents=True)
    (stands_in / "mine/.aws/config").write_text("[profile stranger]\nregion = eu-west-1\n")
    before = "import pwd, types\npwd.getpwuid = lambda _uid: types.SimpleNamespace(pw_dir='/nonexistent/home')\n"
    code = before + _RUN.replace("main()", "import atexit, os; atexit.register(lambda: print(os.path.expanduser('~')))")
    done = run(stands_in, "config", "path", before=code + "\n", HOME=home)
    assert done.stdout.split() == ["/nonexistent/home/.config/iamtui/config.toml", "/nonexistent/home"]
    assert done.stderr == (
        f"HOME is {home!a}, which is not an absolute path; '/nonexistent/home' counts as the home folder.\n"
    )
