"""`python -m tools.cut_leaf LEAF [--only import] [PYTEST ...]`: cut a leaf off in a copy, and run the rest without it.

A leaf is a part of iamtui that nobody imports. LEAVES lists what goes with each: its code, and the tests that are about
it. The copy's quick tests have to pass; with `--only import` every module is imported, the help of every command is
printed, and the screen opens.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parent.parent


@dataclass(frozen=True)
class Leaf:
    """What is cut off together.

    Args:
        code: folders and files.
        tests: folders and files of tests about it.
        passages: tests in other files that use it, by the beginnings of their ids.
    """

    code: tuple[str, ...]
    tests: tuple[str, ...]
    passages: tuple[str, ...] = ()


LEAVES: Final = {
    "proofs": Leaf(
        code=("iamtui/proofs", "iamtui/workspace/prove", "iamtui/cli/prove.py", "benchmarks/proofs.py"),
        tests=(
            "tests/proofs",
            "tests/workspace/test_proofs.py",
            "tests/workspace/test_proof_examples.py",
            "tests/workspace/test_public_proofs.py",
            "tests/workspace/test_draft_proofs.py",
            "tests/cli/test_prove.py",
            "tests/tui/test_draft_snapshots.py",
            # Each compares proofs with what else answers the same.
            "tests/questions/test_definite.py",
            "tests/questions/test_questions.py",
            "tests/questions/test_review_account.py",
            "tests/questions/test_strict.py",
            "tests/workspace/test_open_trust.py",
        ),
        passages=(
            "tests/cli/test_gate.py::test_all_answers_of_a_plan",
            "tests/cli/test_gate.py::test_nothing_is_proved_where_changes_are_left_out",
            "tests/cli/test_org.py::test_a_file_of_another_account_makes_no_member_of_the_organization",
            "tests/tui/test_draft_list.py::test_what_is_newly_possible_is_shown_and_traced",
            "tests/tui/test_draft_list.py::test_what_is_not_proved_says_why",
            "tests/tui/test_draft_list.py::test_a_proof_ends_with_the_screen",
            "tests/cli/test_can_over_several.py::test_an_action_that_aws_does_not_have_is_an_error_at_every_door",
            "tests/cli/test_can_over_several.py::test_what_only_the_sdk_knows_is_never_a_plain_yes",
            "tests/cli/test_org.py::test_accounts_of_the_store_count_as_members_of_the_organization_that_they_are_in",
            "tests/cli/test_org.py::test_proofs_escalations_and_audit",
            "tests/cli/test_org.py::test_proofs_of_a_file_and_that_nobody_outside_can_use_anything",
            "tests/cli/test_saved.py::test_a_draft_is_proved_to_be_no_broader",
            "tests/cli/test_saved.py::test_proofs_are_listed_shown_renamed_and_removed",
            "tests/cli/test_saved.py::test_the_questions_of_the_screen_are_without_proofs",
            "tests/cli/test_used.py::test_as_json",
            "tests/cli/test_used.py::test_the_table_the_policy_and_what_cannot_be_shown",
            "tests/workspace/test_used.py::test_a_pattern_is_never_more_than_was_granted",
            "tests/workspace/test_used.py::test_conditions_are_taken_over_and_denies_are_kept",
            "tests/workspace/test_used.py::test_the_draft_takes_away_all_other_policies",
            "tests/workspace/test_used.py::test_the_least_policy_has_what_was_used_and_no_more",
            "tests/workspace/test_used.py::test_what_is_granted_on_all_but_some_stays_so",
        ),
    ),
    "activity": Leaf(
        code=(
            "iamtui/activity",
            "iamtui/workspace/activity",
            "iamtui/presentation/used.py",
            "iamtui/cli/used.py",
            "iamtui/cli/replay.py",
            "iamtui/tui/explorer/used_section.py",
            "benchmarks/activity.py",
        ),
        tests=(
            "tests/activity",
            "tests/workspace/test_used.py",
            "tests/workspace/test_used_of_every_service.py",
            "tests/workspace/test_replay.py",
            "tests/workspace/test_replay_hidden_keys.py",
            "tests/workspace/test_replay_soundness.py",
            "tests/cli/test_used.py",
            "tests/cli/test_replay.py",
            "tests/tui/test_used_tab.py",
        ),
    ),
    "organization": Leaf(
        code=(
            "iamtui/workspace/organization",
            "iamtui/cli/org.py",
            "iamtui/cli/organization_answers.py",
            "benchmarks/organization.py",
        ),
        tests=(
            "tests/workspace/test_organization_paths.py",
            "tests/workspace/test_organization_ray.py",
            "tests/workspace/test_organization_run.py",
            "tests/workspace/test_organization_store.py",
            "tests/cli/test_org.py",
            "tests/cli/test_organization_snapshot.py",
            # The account behind the gate has a store.
            "tests/tui/test_missing_permissions.py",
            "tests/workspace/test_permissions.py",
        ),
        passages=("tests/cli/test_partly_read.py::test_whom_a_trust_policy_that_was_not_read",),
    ),
}

ABOUT_THE_WHOLE: Final = (
    "tests/cli/test_completion.py",
    "tests/cli/test_endings.py",
    "tests/cli/test_input_files.py",
    "tests/cli/test_source_options.py",
    "tests/compatibility/test_damaged_files.py",
    "tests/compatibility/test_files_of_earlier_versions.py",
    "tests/compatibility/test_kept_files.py",
    "tests/test_api.py",
    "tests/test_architecture_document.py",
    "tests/test_benchmarks.py",
    "tests/test_cut_leaf.py",
    "tests/test_docs_site.py",
    "tests/test_examples.py",
    "tests/test_generated.py",
    "tests/test_import_hygiene.py",
    "tests/test_measure.py",
    "tests/test_packaging.py",
    "tests/test_readme.py",
    "tests/test_security_document.py",
)
"""Tests that go through all commands, documents and kept files, or what the package has."""

SCREENS: Final = "tests/tui/test_access_and_trust_tabs.py", "tests/tui/test_draft_list.py"
"""Screens that show something of leaves."""

_IMPORTS: Final = """
import importlib, pkgutil, iamtui
assert iamtui.__file__.startswith({folder!r}), iamtui.__file__
for module in pkgutil.walk_packages(iamtui.__path__, "iamtui."):
    if module.name != "iamtui.__main__":
        importlib.import_module(module.name)
from click import Context, Group
from iamtui.cli.main import cli
def show_help(command, names):
    context = Context(command, info_name=names)
    assert command.get_help(context)
    if isinstance(command, Group):
        for name in command.list_commands(context):
            show_help(command.get_command(context, name), f"{{names}} {{name}}")
show_help(cli, "iamtui")
"""


def cut(leaf: Leaf, folder: Path) -> None:
    """Copy the repository to a folder, without a leaf and the tests that go with it."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    gone = leaf.code + leaf.tests + ABOUT_THE_WHOLE
    for name in filter(None, listed.stdout.split("\0")):
        if not any(name == one or name.startswith(f"{one}/") for one in gone) and (ROOT / name).is_file():
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target)


def run(folder: Path, *arguments: str) -> int:
    """Run Python in the copy, on the copy; its exit code."""
    environment = os.environ | {"PYTHONPATH": str(folder)}
    return subprocess.run([sys.executable, *arguments], check=False, cwd=folder, env=environment).returncode


def check(name: str, only: str | None, more: list[str]) -> int:
    """Cut a leaf off, and see whether the rest stands; an exit code."""
    leaf = LEAVES[name]
    missing = [one for one in (*leaf.code, *leaf.tests, *ABOUT_THE_WHOLE) if not (ROOT / one).exists()]
    if missing:
        print(f"Listed for {name}, and not there: {', '.join(missing)}")
        return 2
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made).resolve()
        cut(leaf, folder)
        code = run(folder, "-c", _IMPORTS.format(folder=str(folder)))
        tests = [*SCREENS] if only else []
        without = [f"--deselect={one}" for one in leaf.passages]
        return code or run(folder, "-m", "pytest", "-q", "-p", "no:cacheprovider", *without, *tests, *more)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition(".")[0])
    parser.add_argument("leaf", choices=[*LEAVES])
    parser.add_argument("--only", choices=["import"], help="imports, help and a screen, and not all quick tests")
    known, more = parser.parse_known_args()
    return check(known.leaf, known.only, more)


if __name__ == "__main__":
    sys.exit(main())
