"""Private folders under any umask, and who else could change what stands at a path."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from iamtui.paths import (
    Exposure,
    exposure,
    followed,
    home_expanded,
    is_folder,
    is_there,
    make_private_folder,
)

GiveAway = Callable[[Path], None]


@pytest.fixture(params=[0, 0o022, 0o777], ids=oct)
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


@pytest.fixture
def give_away(monkeypatch: pytest.MonkeyPatch) -> GiveAway:
    """Makes a path somebody else's: root gives it away, anybody else takes on another user's id."""

    def give(path: Path) -> None:
        if os.geteuid() == 0:
            os.chown(path, 65534, -1, follow_symlinks=False)
        else:
            monkeypatch.setattr(os, "geteuid", lambda: 65534)

    return give


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def private(folder: Path) -> Path:
    folder.mkdir(0o700)
    folder.chmod(0o700)
    return folder


def test_every_folder_that_is_made_is_private_whatever_the_umask(tmp_path: Path, umask: int) -> None:
    make_private_folder(tmp_path / "a" / "b" / "c")
    assert [mode(tmp_path / name) for name in ("a", "a/b", "a/b/c")] == [0o700] * 3


def test_a_folder_that_is_there_stays_as_it_is(tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o750)
    make_private_folder(shared / "own")
    assert (mode(shared), mode(shared / "own")) == (0o750, 0o700)


def test_a_file_in_the_way_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="file"):
        make_private_folder(tmp_path / "file")
    with pytest.raises(OSError, match="file"):
        make_private_folder(tmp_path / "file" / "below")


def test_a_private_path_has_no_exposure(tmp_path: Path) -> None:
    file = private(tmp_path / "own") / "config.toml"
    assert exposure(file) is None
    file.touch(0o644)
    assert exposure(file) is None
    assert exposure(file.parent) is None


@pytest.mark.parametrize("bits", [0o020, 0o002])
@pytest.mark.parametrize("where", ["file", "folder", "above"])
def test_what_others_can_write_is_named_with_the_command_that_ends_it(tmp_path: Path, where: str, bits: int) -> None:
    above = private(tmp_path / "above")
    folder = private(above / "fol der")
    file = folder / "config.toml"
    file.touch(0o600)
    place = {"file": file, "folder": folder, "above": above}[where]
    place.chmod(mode(place) | bits)
    found = exposure(file)
    assert found is not None
    assert found.path == place
    assert str(found).startswith(f"{place} can be written by others (mode 0")
    assert found.remedy.startswith("Run `chmod go-w ")
    if where != "above":
        assert f"'{place}'" in found.remedy
    place.chmod(mode(place) & ~0o022)
    assert exposure(file) is None


@pytest.mark.parametrize("where", ["file", "folder"])
def test_what_belongs_to_somebody_else_is_named(tmp_path: Path, where: str, give_away: GiveAway) -> None:
    folder = private(tmp_path / "folder")
    file = folder / "config.toml"
    file.touch(0o600)
    give_away(file if where == "file" else folder)
    found = exposure(file)
    assert found is not None
    assert "belongs to" in found.reason
    assert "chown" in found.remedy


def test_in_a_sticky_folder_the_next_entry_decides(tmp_path: Path, give_away: GiveAway) -> None:
    sticky = tmp_path / "tmp"
    sticky.mkdir()
    sticky.chmod(0o1777)
    mine = private(sticky / "mine") / "config.toml"
    mine.touch(0o600)
    assert exposure(mine) is None
    assert exposure(sticky / "not there") is None
    theirs = private(sticky / "theirs")
    (theirs / "config.toml").touch(0o600)
    give_away(theirs)
    assert exposure(theirs / "config.toml") is not None
    (sticky / "link").symlink_to(mine)
    give_away(sticky / "link")
    assert exposure(sticky / "link") is not None


@pytest.mark.parametrize("relative", [True, False])
def test_links_are_followed_and_the_folders_on_their_way_count(tmp_path: Path, relative: bool) -> None:
    open_folder = tmp_path / "open"
    open_folder.mkdir()
    (open_folder / "config.toml").touch(0o600)
    open_folder.chmod(0o777)
    own = private(tmp_path / "own")
    link = own / "config.toml"
    link.symlink_to("../open/config.toml" if relative else open_folder / "config.toml")
    found = exposure(link)
    assert found is not None
    assert found.path == open_folder
    open_folder.chmod(0o755)
    assert exposure(link) is None


def test_a_link_in_an_open_folder_counts_even_when_it_leads_home(tmp_path: Path) -> None:
    own = private(tmp_path / "own")
    (own / "config.toml").touch(0o600)
    shared = tmp_path / "shared"
    shared.mkdir()
    (shared / "link").symlink_to(own)
    shared.chmod(0o777)
    found = exposure(shared / "link" / "config.toml")
    assert found is not None
    assert found.path == shared


def test_links_in_a_circle_end(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    found = exposure(tmp_path / "a")
    assert found is not None
    assert "cannot be checked" in found.reason
    assert isinstance(followed(tmp_path / "a"), Exposure)


def test_a_link_that_others_can_make_diverts_and_a_folder_does_not(tmp_path: Path, give_away: GiveAway) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o777)
    assert followed(shared / "change.json") == shared / "change.json"
    (shared / "change.json").symlink_to(tmp_path / ".profile")
    found = followed(shared / "change.json")
    assert isinstance(found, Exposure)
    assert found.path == shared / "change.json"
    assert "others may have made" in found.reason
    shared.chmod(0o1777)
    assert followed(shared / "change.json") == tmp_path / ".profile"
    give_away(shared / "change.json")
    assert isinstance(followed(shared / "change.json"), Exposure)


def test_a_link_of_ones_own_does_not_divert(tmp_path: Path) -> None:
    own = private(tmp_path / "own")
    (own / "drafts").symlink_to(private(tmp_path / "kept"))
    assert followed(own / "drafts" / "change.json") == tmp_path / "kept" / "change.json"
    assert followed(own / "drafts" / "not there" / ".." / "x" / "y") == tmp_path / "kept" / "x" / "y"


def test_every_folder_is_made_by_the_one_that_makes_it_private() -> None:
    """`mkdir` elsewhere would follow the umask for the folders above."""
    package = Path(__file__).parent.parent / "iamtui"
    makers = {
        str(file.relative_to(package))
        for file in package.rglob("*.py")
        if any(word in file.read_text() for word in (".mkdir(", "makedirs(", "mkdtemp("))
    }
    assert makers == {"paths.py"}


def test_a_home_folder_is_looked_for_where_nobody_of_that_name_stops_the_program() -> None:
    """`Path.expanduser` raises RuntimeError, which no handler of the screen expects; that of `os.path` does not."""
    package = Path(__file__).parent.parent / "iamtui"
    users = {
        str(file.relative_to(package))
        for file in package.rglob("*.py")
        if re.search(r"(?<!os\.path)\.expanduser\(", file.read_text())
    }
    assert users == {"paths.py"}
    assert home_expanded("~nobody-of-this-name/x") == Path("~nobody-of-this-name/x")
    assert home_expanded("~/x") == Path.home() / "x"


@pytest.mark.parametrize("name", ["x" * 300, "a\0b", "not there"])
def test_nothing_is_seen_where_nothing_can_be(name: str, tmp_path: Path) -> None:
    assert not is_there(tmp_path / name)
    assert not is_folder(tmp_path / name)
    assert is_there(tmp_path)
    assert is_folder(tmp_path)
