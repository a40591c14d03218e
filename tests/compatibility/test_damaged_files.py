"""Every kind of file that users keep, damaged in every way: one sentence, and never a door that does not open."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from iamtui import paths
from iamtui.account.authorization_details import load_account
from iamtui.aws.credential_process import CredentialCommand
from iamtui.input_files import unpacked
from iamtui.problem import Problem
from iamtui.tui.app import IamtuiApp
from iamtui.workspace.assume.remembered_assume_input import remembered_input
from iamtui.workspace.source import opening
from iamtui.workspace.source.credential_commands import is_confirmed
from iamtui.workspace.source.opening import kept_account, last_kept_account
from iamtui.workspace.source.workspace import SourceChoice, SourceInfo, SourceKind, Workspace
from tests.support.cli_runner import Cli
from tests.support.panel_apps import until
from tests.support.screen_app import opened
from tests.support.slow import one_quick
from tests.support.snapshot_builder import ID, iam

KEPT = Path(__file__).parent / "kept"
SNAPSHOT = ("--snapshot", KEPT / "snapshot.json")
BOB, DEPLOY = iam("user/bob"), iam("role/ci/deploy")
ASK = ("can", BOB, "s3:GetObject", "--on", "arn:aws:s3:::plain/k", *SNAPSHOT)
CACHED = f"accounts/{next((KEPT / 'accounts').iterdir()).name}"


def _middle(inserted: bytes) -> Callable[[bytes], bytes]:
    """Bytes put into the text nearest to the middle, so that the file is still well-formed around them."""

    def damaged(data: bytes) -> bytes:
        places = [found.end() for found in re.finditer(rb'"(?=[a-zA-Z])', data)] or [len(data) // 2]
        place = places[len(places) // 2]
        return data[:place] + inserted + data[place:]

    return damaged


def _another_version(data: bytes) -> bytes:
    return re.sub(rb'("?(?:version|format|format_version|iamtui)[a-z_-]*"?\s*[:=]\s*)("?)[\w.-]+', rb"\1\g<2>999", data)


DAMAGES: dict[str, Callable[[bytes], bytes | None]] = {
    "empty": lambda _: b"",
    "truncated": lambda data: data[: len(data) // 2],
    "a list": lambda _: b"[1]",
    "a text": lambda _: b'"x"',
    "null": lambda _: b"null",
    "other names": lambda _: b'{"none": {"of": ["these"]}}',
    "not UTF-8": _middle(b"\xff\xfe"),
    "half a character": _middle(b"\xe2\x82"),
    "half a pair": _middle(rb"\ud800"),
    "half a pair in a name": lambda data: data.replace(b'"', rb'"\ud800', 1),
    "a NUL": _middle(b"\0"),
    "bytes": lambda _: bytes(range(256)) * 4,
    "deep": lambda _: b"[" * 100_000,
    "another version": _another_version,
    "a folder": lambda _: None,
    "a circle of links": lambda _: None,
}


def put_damaged(name: str, place: Path, damage: str) -> Path:
    paths.make_private_folder(place.parent)
    if damage == "a folder":
        place.mkdir()
    elif damage == "a circle of links":
        place.symlink_to(place)
    else:
        data = DAMAGES[damage]((KEPT / name).read_bytes())
        assert data is not None
        place.write_bytes(data)
        place.chmod(0o600)
    return place


OWN = {
    "config.toml": paths.config_file,
    "theme.toml": lambda: paths.user_themes() / "acme.toml",
    "screen.json": paths.screen_state,
    "questions.json": lambda: paths.data_folder() / "questions.json",
    "assume.json": lambda: paths.data_folder() / "assume.json",
    "commands.json": lambda: paths.data_folder() / "commands.json",
    CACHED: lambda: paths.cache_folder() / CACHED,
}
"""Files that are read unasked, and where."""

NAMED: dict[str, Callable[[Path], tuple[str | Path, ...]]] = {
    "snapshot.json": lambda file: (*ASK[:-1], file),
    "draft.json": lambda file: (*ASK, "--draft", file),
    "questions.json": lambda file: ("questions", "run", "--questions", file, *SNAPSHOT),
    "scenarios.jsonl": lambda file: ("simulate", file),
    "audit.toml": lambda file: ("audit", "--suppressions", file, *SNAPSHOT),
    "config.toml": lambda file: ("config", "check", file),
    "requests.parquet": lambda file: ("replay", file, *SNAPSHOT),
    "organization/iamtui-organization.json": lambda file: (
        "org", "ask", "--store", file.parent, "--who-can", "s3:GetObject", "--on", "arn:aws:s3:::plain/k",
    ),
}  # fmt: skip
"""Files that a person names, and a command that reads them."""


def workspace() -> Workspace:
    account = load_account((KEPT / "snapshot.json").read_bytes())
    return Workspace(account, SourceInfo(SourceKind.SNAPSHOT, "acme.json", taken_at=account.taken_at))


@pytest.mark.parametrize("damage", DAMAGES)
def test_no_command_ends_for_a_file_that_is_read_unasked(
    damage: str, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = cli(*ASK)
    for name, place in OWN.items():
        put_damaged(name, place(), damage)
    found = cli(*ASK)
    assert (found.code, found.out.splitlines()[:2]) == (whole.code, whole.out.splitlines()[:2])
    assert len(found.err.splitlines()) <= len(whole.err.splitlines()) + 12, found.err
    for command in (("questions", "list"), ("config", "show"), ("config", "check"), ("info",), ("cache", "clear")):
        found = cli(*command)
        assert "Traceback" not in found.err, found
        assert "error in iamtui itself" not in found.err, found
    put_damaged(CACHED, paths.cache_folder() / "again" / CACHED, damage)
    monkeypatch.setattr(paths, "accounts_folder", lambda: paths.cache_folder() / "again" / "accounts")
    monkeypatch.setattr(opening, "__version__", "0.1.0")
    with suppress(Problem):
        kept_account(ID, iam("user/staff/alice"), "")
    assert not is_confirmed(CredentialCommand("work", "/opt/bin/other", "/"))
    remembered_input(workspace(), DEPLOY)


def test_a_cache_with_wrong_bits_costs_a_sentence_at_most(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where msgspec raises what is no error of its own, for bytes that are not UTF-8."""
    monkeypatch.setattr(opening, "__version__", "0.1.0")
    monkeypatch.setattr(paths, "accounts_folder", lambda: paths.cache_folder() / "accounts")
    place = put_damaged(CACHED, paths.cache_folder() / CACHED, "another version")
    place.write_bytes((KEPT / CACHED).read_bytes())
    assert kept_account(ID, iam("user/staff/alice"), "") is not None
    with (KEPT / CACHED).open("rb") as file:
        data = unpacked(file).read()
    header = data.index(b"\n")
    for at in (*range(header), *range(header, len(data), 11)):
        place.write_bytes(data[:at] + bytes([data[at] ^ 0x80]) + data[at + 1 :])
        # A name that nothing reads may be any.
        with suppress(Problem):
            kept_account(ID, iam("user/staff/alice"), "")
        last_kept_account("")
    assert cli("cache", "clear").code == 0


@pytest.mark.parametrize("name", NAMED)
@pytest.mark.parametrize("damage", DAMAGES)
def test_a_file_that_is_named_gets_a_sentence(name: str, damage: str, cli: Cli, tmp_path: Path) -> None:
    if name.startswith("organization"):
        shutil.copytree(KEPT / "organization", tmp_path / "organization")
        (tmp_path / name).unlink()
    file = put_damaged(name, tmp_path / name, damage)
    found = cli(*NAMED[name](file))
    assert found.code in (0, 1, 2, 3), found
    for sign in ("Traceback", "error in iamtui itself", "msgspec", "codec can't"):
        assert sign not in found.err + found.out, found
    if found.code == 2:
        assert found.err.strip().splitlines()[-1].startswith("iamtui: ") or "MALFORMED" in found.out, found


@pytest.mark.screen
@pytest.mark.usefixtures("cli")
@one_quick("damage", list(DAMAGES))
async def test_the_screen_opens_whatever_its_files_are(damage: str) -> None:
    for name, place in OWN.items():
        put_damaged(name, place(), damage)
    space = workspace()
    app = IamtuiApp(SourceChoice(SourceKind.SNAPSHOT, snapshot=Path("acme.json")), opener=lambda *_: space)
    async with opened(app) as pilot:
        await until(pilot, lambda: app.main.explorer.node is not None)
        app.exit()
