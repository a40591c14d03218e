"""`make` installs what constraints.txt and the JavaScript SDK's package.json name, in these versions, and no more."""

from __future__ import annotations

import json
import re
import tomllib
from importlib.metadata import Distribution, distributions
from pathlib import Path

import pytest
from hatchling.build import get_requires_for_build_editable, get_requires_for_build_sdist, get_requires_for_build_wheel
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.support.external_tools import aws_cli, javascript_sdk, terraform

ROOT = Path(__file__).parent.parent
LINES = (ROOT / "constraints.txt").read_text().splitlines()
PINNED = {canonicalize_name(name): version for name, version in (line.split("==") for line in LINES)}
BUILD = tomllib.loads((ROOT / "pyproject.toml").read_text())["build-system"]["requires"]
JAVASCRIPT = json.loads((ROOT / "tests" / "sdk_clients" / "package.json").read_text())["dependencies"]


def not_as_pinned(found: list[Distribution]) -> list[str]:
    installed = [(canonicalize_name(one.metadata["Name"]), one.version) for one in found]
    return [f"{name}=={version}" for name, version in installed if name != "iamtui" and PINNED.get(name) != version]


def test_the_file_holds_names_and_versions_in_order() -> None:
    for line in LINES:
        assert re.fullmatch(r"[A-Za-z0-9._-]+==[0-9A-Za-z.]+", line), line
    names = [line.split("==")[0].lower() for line in LINES]
    assert names == sorted(set(names))


def test_everything_installed_here_is_pinned() -> None:
    assert not_as_pinned([*distributions()]) == []


def test_everything_that_builds_the_project_is_pinned() -> None:
    """It is installed apart, where this environment does not show it."""
    needed = needed_by([*get_requires_for_build_editable(), *get_requires_for_build_sdist(), *BUILD])
    assert {"hatchling", "editables", "pathspec"} <= needed.keys()
    for name, requirements in needed.items():
        assert all(one.specifier.contains(PINNED[name]) for one in requirements), name


def test_a_build_without_the_file_takes_the_same_versions() -> None:
    """pre-commit installs a hook by `pip install .`, and by nothing else."""
    needed = needed_by([*get_requires_for_build_wheel(), *BUILD])
    assert sorted(BUILD) == sorted(f"{name}=={PINNED[name]}" for name in needed)


def needed_by(requirements: list[str]) -> dict[str, list[Requirement]]:
    """What is installed for some requirements, by name, and how it is required."""
    needed: dict[str, list[Requirement]] = {}
    for text in requirements:
        requirement = Requirement(text)
        if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
            name = canonicalize_name(requirement.name)
            if name not in needed:
                requirements += next((one.requires or [] for one in distributions(name=requirement.name)), [])
            needed.setdefault(name, []).append(requirement)
    return needed


def test_every_installation_of_the_makefile_is_held_to_the_file() -> None:
    makefile = (ROOT / "Makefile").read_text()
    pinned = "--quiet --constraint constraints.txt --build-constraint constraints.txt"
    assert f"PINNED := {pinned}" in makefile
    commands = [part for line in makefile.splitlines() for part in line.split("&&") if re.search(r"\binstall\b", part)]
    assert len([part for part in commands if "pip install" in part]) == 7
    for part in commands:
        if "npm install" in part:
            assert not re.search(r"@\d", part), "the packages stand in package.json"
        elif "pip install" in part:
            files = (
                "$(PINNED)",
                ",$(PINNED))",
                "--constraint constraints.txt",
                "--constraint tests/sdk_clients/terraform.txt",
            )
            assert any(file in part for file in files), part


def test_the_aws_cli_of_the_tests_is_as_pinned() -> None:
    folders = [str(path) for path in aws_cli().parents[1].glob("lib/python*/site-packages")]
    found = [*distributions(path=folders)]
    assert "awscli" in {one.metadata["Name"] for one in found}
    assert not_as_pinned(found) == []


def test_terraform_of_the_tests_is_as_pinned() -> None:
    lines = (ROOT / "tests" / "sdk_clients" / "terraform.txt").read_text().splitlines()
    pinned = {canonicalize_name(name): version for name, version in (line.split("==") for line in lines)}
    folders = [str(path) for path in terraform().parent.glob("lib/python*/site-packages")]
    installed = {canonicalize_name(one.metadata["Name"]): one.version for one in distributions(path=folders)}
    assert installed == {name: pinned[name] for name in installed}


def test_the_javascript_sdk_of_the_tests_is_as_pinned() -> None:
    modules = javascript_sdk() / "node_modules"
    records = [json.loads(file.read_text()) for file in modules.rglob("package.json") if is_package(file)]
    assert {record["name"]: record["version"] for record in records} == JAVASCRIPT
    assert len(records) == len(JAVASCRIPT), "a package is there twice"


def is_package(file: Path) -> bool:
    """Whether a package.json is that of an installed package, and not of a part of one."""
    parent = file.parent.parent
    return parent.name == "node_modules" or (parent.name.startswith("@") and parent.parent.name == "node_modules")


@pytest.mark.parametrize("version", JAVASCRIPT.values())
def test_versions_of_the_javascript_sdk_are_exact(version: str) -> None:
    assert re.fullmatch(r"\d+\.\d+\.\d+", version)
