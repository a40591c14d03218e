"""Searching the action names, and the cache they are kept in."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iamtui.catalog import service_data
from iamtui.catalog.actions import catalogue
from iamtui.catalog.service_data import ActionNames

FEW = ActionNames(
    [
        "s3:GetObject",
        "s3:GetObjectAcl",
        "s3:PutObject",
        "s3:ListBucket",
        "s3-outposts:GetObject",
        "iam:PassRole",
        "iam:CreateAccessKey",
        "datazone:ValidatePassRole",
        "ec2:RunInstances",
    ]
)


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("s3:geto", "s3:GetObject"),
        ("S3:GETOBJECT", "s3:GetObject"),
        ("getobject", "s3:GetObject"),
        ("s3go", "s3:GetObject"),
        ("ec2ri", "ec2:RunInstances"),
        ("s3:po", "s3:PutObject"),
        ("cak", "iam:CreateAccessKey"),
        ("iamcak", "iam:CreateAccessKey"),
        ("passrole", "iam:PassRole"),
        ("bucket", "s3:ListBucket"),
        ("s3 acl", "s3:GetObjectAcl"),
        ("s3gtobj", "s3:GetObject"),
        ("run*", "ec2:RunInstances"),
        ("s3:list?ucket", "s3:ListBucket"),
    ],
)
def test_best_hit_comes_first(text: str, first: str) -> None:
    assert FEW.search(text, 5)[0] == first


def test_a_service_is_literal_and_an_entry_without_colon_matches_nothing() -> None:
    assert FEW.expand("s3:Get*") == ["s3:GetObject", "s3:GetObjectAcl"]
    assert FEW.expand("s*:Get*") == []
    assert FEW.expand("Get*") == []
    assert len(FEW.expand("*")) == len(FEW.expand("*:*")) == len(FEW)


def test_limit_and_nothing_found() -> None:
    assert len(FEW.search("", 3)) == 3
    assert FEW.search("s3:", 2) == ["s3:GetObject", "s3:PutObject"]
    assert FEW.search("zzz", 5) == []
    assert FEW.search("ümlaut", 5) == []
    assert FEW.search("s3", 0) == []


def test_proper_name() -> None:
    assert FEW.proper("IAM:PASSROLE") == "iam:PassRole"
    assert FEW.proper("iam:PassRol") is None


def _plain_glob(pattern: str, text: str) -> bool:
    """Whether a glob matches, by trying every split: slow and obviously right."""
    if not pattern:
        return not text
    if pattern[0] == "*":
        return any(_plain_glob(pattern[1:], text[i:]) for i in range(len(text) + 1))
    return bool(text) and pattern[0] in ("?", text[0]) and _plain_glob(pattern[1:], text[1:])


@given(st.text(alphabet="abG*?", max_size=8), st.lists(st.text(alphabet="abG", min_size=1, max_size=7), min_size=1))
def test_expand_agrees_with_a_plain_glob(pattern: str, operations: list[str]) -> None:
    all_names = ActionNames([f"svc:{operation}" for operation in set(operations)])
    expected = {name for name in all_names.names if _plain_glob(pattern.lower(), name[4:].lower())}
    assert set(all_names.expand(f"svc:{pattern}")) == expected


@given(st.text(max_size=20), st.integers(min_value=-1, max_value=4))
def test_search_takes_any_text(text: str, limit: int) -> None:
    assert len(FEW.search(text, limit)) <= max(limit, 0)


def test_many_stars_do_not_explode() -> None:
    assert ActionNames(["svc:" + "a" * 60]).expand("svc:" + "*a" * 30 + "b") == []


def test_all_names_of_the_data_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service_data.paths, "cache_folder", lambda: tmp_path / "cache")
    loaded = service_data.load_action_names()
    assert len(loaded) > 20_000
    [cache] = (tmp_path / "cache").iterdir()
    assert loaded.search("s3:getobj", 1) == ["s3:GetObject"]
    assert service_data.load_action_names().names == loaded.names

    cache.write_text("damaged", encoding="ascii")
    assert service_data.load_action_names().names == loaded.names

    cache.write_text(cache.read_text(encoding="ascii").replace("\n", "\nx:Extra\n", 1), encoding="ascii")
    assert service_data.load_action_names().names == loaded.names


def test_a_cache_folder_that_cannot_be_made_is_no_obstacle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    monkeypatch.setattr(service_data.paths, "cache_folder", lambda: blocked / "cache")
    assert len(service_data.load_action_names()) > 20_000


def test_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service_data.paths, "cache_folder", lambda: tmp_path)
    known = catalogue()
    assert known.count("s3:GetObject") == 1
    assert 50 < known.count("s3:*") < known.count("*")
