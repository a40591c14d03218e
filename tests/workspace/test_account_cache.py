from __future__ import annotations

import os
import stat
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import FrameType

import msgspec
import pytest

from iamtui import paths
from iamtui.account.model import REST_OF_ACCOUNT, UNLISTED, Account, Gap, InlinePolicy, Known, Missing, Unread
from iamtui.account.snapshot_writer import snapshot_of
from iamtui.aws.connection import Connection
from iamtui.input_files import open_input, unpacked
from iamtui.policy.document import PolicyDocument
from iamtui.problem import Problem
from iamtui.sources.demo import load_demo_account
from iamtui.workspace.source import opening
from iamtui.workspace.source.opening import clear_accounts, keep_account, kept_account
from tests.sources.test_live import fill
from tests.support.live_account import load_live
from tests.support.moto_server import ACCOUNT, MotoServer

CALLER = "arn:aws:iam::111122223333:user/alice"
READ_AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def account(caller: str = CALLER, account_id: str = "111122223333") -> Account:
    return Account(id=account_id, caller_arn=Known(caller), taken_at=READ_AT, alias=Known("acme"))


def files() -> list[Path]:
    return sorted(paths.accounts_folder().iterdir())


def test_a_live_account_is_the_same_from_the_cache(moto: MotoServer) -> None:
    fill(moto)
    read = load_live(Connection.open(profile=None, region=None, endpoint_url=moto.url))
    assert isinstance(read.caller_arn, Known)

    assert keep_account(read, moto.url)
    kept = kept_account(ACCOUNT, read.caller_arn.value, moto.url)

    assert kept is not None
    assert snapshot_of(kept) == snapshot_of(read)
    assert kept.users[0].access_keys == read.users[0].access_keys == Missing("not loaded", "iam:ListAccessKeys")
    assert kept.gaps == read.gaps
    assert kept.taken_at == read.taken_at


def test_the_demo_is_the_same_from_the_cache() -> None:
    demo = replace(load_demo_account(), caller_arn=Known(CALLER), taken_at=READ_AT)
    assert keep_account(demo, "")
    kept = kept_account(demo.id, CALLER, "")
    assert kept is not None
    assert snapshot_of(kept) == snapshot_of(demo)


def test_the_screen_may_go_on_after_each_entry_that_is_encoded() -> None:
    """The interpreter's lock is let go between two calls of Python, but not inside one."""
    demo, encoded = replace(load_demo_account(), caller_arn=Known(CALLER), taken_at=READ_AT), 0

    def note(_frame: FrameType, event: str, called: object) -> None:
        nonlocal encoded
        encoded += event == "c_call" and called is msgspec.json.encode

    sys.setprofile(note)
    try:
        assert keep_account(demo, "")
    finally:
        sys.setprofile(None)
    assert encoded > len(demo.users) + len(demo.roles) + len(demo.policies)


def test_nothing_is_kept_of_what_was_never_read() -> None:
    assert kept_account("111122223333", CALLER, "") is None


@pytest.mark.parametrize(
    "asked",
    [
        ("444455556666", CALLER, ""),
        ("111122223333", "arn:aws:iam::111122223333:user/bob", ""),
        ("111122223333", CALLER, "http://127.0.0.1:5000"),
        ("111122223333", "arn:aws:sts::111122223333:assumed-role/alice/alice", ""),
    ],
)
def test_another_account_caller_or_endpoint_gets_nothing(asked: tuple[str, str, str]) -> None:
    keep_account(account(), "")
    assert kept_account(*asked) is None
    assert kept_account("111122223333", CALLER, "") is not None


def test_a_file_that_was_put_in_the_place_of_anothers_is_not_used() -> None:
    keep_account(account(), "")
    mine = files()[0]
    keep_account(account(caller="arn:aws:iam::111122223333:user/bob"), "")
    other = next(path for path in files() if path != mine)
    other.replace(mine)
    with pytest.raises(Problem, match="is not used: it is of another account"):
        kept_account("111122223333", CALLER, "")


def test_a_header_that_names_another_account_than_the_rest_is_not_believed() -> None:
    keep_account(account(account_id="444455556666"), "")
    written = files()[0]
    line, _, rest = _unpacked(written).partition(b"\n")
    written.write_bytes(line.replace(b"444455556666", b"111122223333") + b"\n" + rest)
    keep_account(account(), "")
    mine = next(path for path in files() if path != written)
    written.replace(mine)
    with pytest.raises(Problem, match="is not used: it is of another account"):
        kept_account("111122223333", CALLER, "")


def _unpacked(path: Path) -> bytes:
    with open_input(path, "the file") as file:
        return unpacked(file).read()


ROLE = "arn:aws:sts::111122223333:assumed-role/audit"


def test_sessions_that_botocore_names_are_one_caller() -> None:
    keep_account(account(f"{ROLE}/botocore-session-1700000000"), "")
    kept = kept_account("111122223333", f"{ROLE}/botocore-session-1800000000", "")
    assert kept is not None
    assert kept.caller_arn == Known(f"{ROLE}/botocore-session-1800000000")
    assert kept_account("111122223333", f"{ROLE}/alice", "") is None


def test_a_file_is_private_whatever_the_umask_says() -> None:
    before = os.umask(0)
    try:
        keep_account(account(), "")
    finally:
        os.umask(before)
    assert stat.S_IMODE(files()[0].stat().st_mode) == 0o600
    assert stat.S_IMODE(paths.accounts_folder().stat().st_mode) == 0o700


def _link(path: Path) -> None:
    target = path.with_name("elsewhere")
    path.replace(target)
    path.symlink_to(target)


def _older(path: Path) -> None:
    path.write_bytes(_unpacked(path).replace(b'"cache":1', b'"cache":0', 1))


def _other_program(path: Path) -> None:
    path.write_bytes(_unpacked(path).replace(b'"iamtui":"', b'"iamtui":"0.', 1))


def _read_at(words: bytes) -> Callable[[Path], object]:
    return lambda path: path.write_bytes(_unpacked(path).replace(b"2026-01-02T03:04:05Z", words, 1))


@pytest.mark.parametrize(
    ("damage", "why"),
    [
        (_read_at(b"2026-01-02T03:04:05"), "it is damaged"),
        (_read_at(b"0001-01-01T00:00:00Z"), "it is damaged"),
        (_read_at(b"0001-01-01T00:00:00+14:00"), "it is damaged"),
        (_read_at(b"9999-12-31T23:59:59-14:00"), "it was read in the future"),
        (lambda path: path.write_bytes(b""), "it is damaged"),
        (lambda path: path.write_bytes(b"\0" * 100), "it is damaged"),
        (lambda path: path.write_bytes(path.read_bytes()[:-20]), "ends too early"),
        (lambda path: path.write_bytes(_unpacked(path)[:-20]), "is not JSON"),
        (lambda path: path.write_bytes(_unpacked(path).partition(b"\n")[0]), "."),
        (lambda path: path.write_bytes(b"[" * 100_000), "it is damaged"),
        (_older, "another version of iamtui wrote it"),
        (_other_program, "another version of iamtui wrote it"),
        (_read_at(f"{datetime.now(UTC) + timedelta(days=1):%Y-%m-%dT%H:%M:%SZ}".encode()), "it was read in the future"),
        (_link, "is not a regular file"),
        (lambda path: path.chmod(0o620), "can be read or written by others"),
        (lambda path: path.parent.chmod(0o770), "can be written by others"),
        (lambda path: (path.unlink(), path.mkdir()), "is not a regular file"),
        (lambda path: (path.unlink(), os.mkfifo(path, 0o600)), "is not a regular file"),
    ],
)
def test_a_file_that_cannot_be_trusted_is_not_used(damage: Callable[[Path], object], why: str) -> None:
    keep_account(account(), "")
    damage(files()[0])
    with pytest.raises(Problem) as caught:
        kept_account("111122223333", CALLER, "")
    assert caught.value.sentence.startswith("The account in the cache is not used: ")
    assert why in caught.value.sentence
    assert str(caught.value).count("\n") == 0


def test_a_file_of_another_user_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    keep_account(account(), "")
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    with pytest.raises(Problem, match="belongs to"):
        kept_account("111122223333", CALLER, "")


def _partly(whole: Account, how: str) -> Account:
    if how == "an entity":
        user = load_demo_account().users[0]
        return replace(whole, users=(replace(user, unread=(Unread("groups", "iam:ListGroupsForUser"),)),))
    return replace(whole, gaps=(Gap(how, "iam:GetAccountAuthorizationDetails", "throttled"),))


@pytest.mark.parametrize("how", [REST_OF_ACCOUNT, UNLISTED["roles"], "an entity"])
def test_an_account_of_which_only_a_part_was_read_replaces_nothing(how: str) -> None:
    keep_account(account(), "")
    before = files()[0].read_bytes()
    assert not keep_account(_partly(account(), how), "")
    assert files()[0].read_bytes() == before


def test_an_account_is_not_kept_where_nobody_knows_who_read_it() -> None:
    assert not keep_account(replace(account(), caller_arn=Missing("access denied")), "")
    assert not paths.accounts_folder().exists()


def test_the_number_of_accounts_is_bounded() -> None:
    for number in range(20):
        keep_account(account(f"arn:aws:iam::111122223333:user/user-{number}"), "")
        for path in files():
            status = path.stat()
            os.utime(path, (status.st_atime - 10, status.st_mtime - 10))
    assert len(files()) == 16
    assert kept_account("111122223333", "arn:aws:iam::111122223333:user/user-3", "") is None
    assert kept_account("111122223333", "arn:aws:iam::111122223333:user/user-4", "") is not None


def test_an_account_that_is_too_large_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "_LARGEST_FILE", 100)
    assert not keep_account(account(), "")
    assert files() == []


def test_an_account_that_packs_too_well_for_an_archive_comes_back() -> None:
    document = PolicyDocument.of({"Version": "2012-10-17", "Statement": [], "Id": "x" * 5_000})
    user = replace(load_demo_account().users[0], inline_policies=(InlinePolicy("same", document),))
    users = tuple(replace(user, name=f"u{n}", arn=f"arn:aws:iam::111122223333:user/u{n}") for n in range(1_000))
    assert keep_account(replace(account(), users=users), "")
    kept = kept_account("111122223333", CALLER, "")
    assert kept is not None
    assert len(kept.users) == 1_000


def test_a_folder_that_cannot_be_written_is_no_obstacle(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.touch()
    monkeypatch.setattr(paths, "accounts_folder", lambda: blocked / "accounts")
    assert not keep_account(account(), "")
    assert kept_account("111122223333", CALLER, "") is None


def test_clearing_removes_what_was_kept_and_nothing_else() -> None:
    assert clear_accounts() == 0
    keep_account(account(), "")
    folder = paths.accounts_folder()
    left = folder / f".{files()[0].name}.{'0' * 16}"
    left.touch()
    (folder / "notes.txt").touch()
    (folder / "0123.account").mkdir()
    assert clear_accounts() == 1
    assert [path.name for path in files()] == ["0123.account", "notes.txt"]


def test_clearing_a_folder_that_cannot_be_looked_into_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "accounts").touch()
    monkeypatch.setattr(paths, "accounts_folder", lambda: tmp_path / "accounts")
    with pytest.raises(Problem, match="cannot be looked into: Not a directory"):
        clear_accounts()


def test_no_secret_is_in_the_file(moto: MotoServer) -> None:
    fill(moto)
    iam = moto.client("iam")
    secret = iam.create_access_key(UserName="user-0")["AccessKey"]["SecretAccessKey"]
    keep_account(load_live(Connection.open(profile=None, region=None, endpoint_url=moto.url)), moto.url)
    text = _unpacked(files()[0])
    assert b"user-0" in text
    for word in (secret, os.environ["AWS_SECRET_ACCESS_KEY"], os.environ["AWS_ACCESS_KEY_ID"]):
        assert word.encode() not in text


def test_the_header_says_whose_it_is() -> None:
    keep_account(account(), "http://127.0.0.1:5000")
    header = msgspec.json.decode(_unpacked(files()[0]).partition(b"\n")[0])
    assert header["account"] == "111122223333"
    assert header["caller"] == CALLER
    assert header["endpoint"] == "http://127.0.0.1:5000"
