"""What pipelines take: the pre-commit hooks, the composite action, the container file, and SARIF for code scanning."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.cli.test_lint_sarif import POLICIES
from tests.support.cli_runner import Cli, cli
from tests.support.plans import plan_document, planned

__all__ = ["cli"]

ROOT = Path(__file__).parent.parent
DATA = ROOT / "tests" / "compatibility" / "data"
PROGRAMS = str(Path(sys.executable).parent)
STATEMENT = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/*"}
GOOD = json.dumps({"Version": "2012-10-17", "Statement": [STATEMENT]})
BAD = GOOD.replace("GetObject", "GetObjekt")
HOOKS = {hook["id"]: hook for hook in yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())}
ACTION = yaml.safe_load((ROOT / "action.yml").read_text())


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A folder with policies, scenarios, saved questions and a snapshot."""
    (tmp_path / "policies" / "team one").mkdir(parents=True)
    (tmp_path / "policies" / "ci.json").write_text(GOOD)
    (tmp_path / "policies" / "team one" / "app.json").write_text(GOOD)
    shutil.copy(DATA / "scenarios.jsonl", tmp_path / "scenarios.jsonl")
    shutil.copy(DATA / "questions.json", tmp_path / "iam-tests.json")
    shutil.copy(DATA / "snapshot.json", tmp_path / "account.json")
    return tmp_path


# pre-commit


def run_hook(repository: Path, name: str, *files: str) -> subprocess.CompletedProcess[str]:
    """Run a hook as pre-commit does: entry, args, then the files."""
    hook = HOOKS[name]
    words = [*shlex.split(hook["entry"]), *hook.get("args", ()), *(files if hook.get("pass_filenames", True) else ())]
    environ = {**os.environ, "PATH": f"{PROGRAMS}:{os.environ['PATH']}"}
    return subprocess.run(words, cwd=repository, env=environ, capture_output=True, text=True, check=False, timeout=60)


def test_hooks_have_what_pre_commit_asks_for() -> None:
    known = {"id", "name", "description", "entry", "args", "language", "types", "files", "pass_filenames"}
    for hook in HOOKS.values():
        assert {"id", "name", "entry", "language"} <= hook.keys() <= known
        assert hook["language"] == "python"


@pytest.mark.parametrize(
    ("path", "taken"),
    [
        ("policies/ci.json", True), ("iam-policies/team/app.json", True), ("policy.json", True),
        ("infra/ci-policy.json", True), ("policy-ci.json", True), ("package.json", False), ("policies/a.md", False),
        ("src/policymaker/data.json", False), ("--suppressions=sup/policy.json", False), ("-/policy.json", False),
    ],
)  # fmt: skip
def test_the_lint_hook_takes_files_of_policies(path: str, taken: bool) -> None:
    assert bool(re.search(HOOKS["iamtui-lint"]["files"], path)) is taken


@pytest.mark.slow
def test_the_hooks_pass_and_fail(repository: Path) -> None:
    assert run_hook(repository, "iamtui-lint", "policies/ci.json", "policies/team one/app.json").returncode == 0
    (repository / "policies" / "ci.json").write_text(BAD)
    failed = run_hook(repository, "iamtui-lint", "policies/ci.json")
    assert failed.returncode == 1
    assert "policies/ci.json:1: [x] error" in failed.stdout
    assert run_hook(repository, "iamtui-questions").returncode == 0
    text = (repository / "iam-tests.json").read_text()
    (repository / "iam-tests.json").write_text(text.replace('"expect": "allowed"', '"expect": "denied"'))
    assert run_hook(repository, "iamtui-questions").returncode == 1


def test_no_file_is_taken_for_an_option_of_the_lint_hook(repository: Path) -> None:
    folder = repository / "--suppressions=sup"
    folder.mkdir()
    (folder / "policy.json").write_text("[]")
    (repository / "policies" / "ci.json").write_text(BAD)
    failed = run_hook(repository, "iamtui-lint", "policies/ci.json", "--suppressions=sup/policy.json")
    assert failed.returncode != 0
    assert "--suppressions=sup/policy.json" in failed.stdout + failed.stderr


# The composite action


def run_action(repository: Path, **given: str) -> tuple[int, str]:
    """Run the steps of the action but the installation as a runner does: in order, until one fails."""
    inputs = {name: entry.get("default", "") for name, entry in ACTION["inputs"].items()}
    inputs |= {name.replace("_", "-"): value for name, value in given.items()}
    assert inputs.keys() == ACTION["inputs"].keys()
    said = ""
    for step in ACTION["runs"]["steps"][1:]:
        condition = re.fullmatch(r"inputs\.([\w-]+) != ''", step["if"])
        assert condition is not None
        if not inputs[condition[1]]:
            continue
        own = {name: expression(value, inputs) for name, value in step["env"].items()}
        environ = {**os.environ, "PATH": f"{PROGRAMS}:{os.environ['PATH']}", **own}
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]],
            cwd=repository, env=environ, capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip
        said += done.stdout + done.stderr
        if done.returncode:
            return done.returncode, said
    return 0, said


def expression(text: str, inputs: dict[str, str]) -> str:
    found = re.fullmatch(r"\$\{\{ inputs\.([\w-]+) \}\}", text)
    assert found is not None, text
    return inputs[found[1]]


def test_the_action_puts_no_input_into_a_script() -> None:
    assert ACTION["runs"]["using"] == "composite"
    for step in ACTION["runs"]["steps"]:
        assert "${{" not in step["run"], "an input could hold a command"
        assert step["shell"] == "bash"
    assert all(entry["description"] for entry in ACTION["inputs"].values())


def test_the_action_lints_decides_and_asks(repository: Path) -> None:
    code, said = run_action(
        repository,
        policies="policies/**/*.json\n",
        scenarios="*.jsonl",
        questions="iam-tests.json",
        snapshot="account.json",
    )
    assert code == 0, said
    assert "2 files: no findings." in said
    (repository / "policies" / "team one" / "app.json").write_text(BAD)
    code, said = run_action(repository, policies="policies/**/*.json", sarif="iamtui.sarif")
    assert code == 1
    annotation = "::error file=policies/team one/app.json,line=1,title=unknown-action::"
    assert annotation in said.splitlines()[0]
    assert "policies/team one/app.json:1: [x] error" in said
    log = json.loads((repository / "iamtui.sarif").read_text())
    assert log["runs"][0]["results"][0]["ruleId"] == "unknown-action"
    assert run_action(repository, policies="policies/**/*.json", fail_on="")[0] == 0
    assert "No file matches" in run_action(repository, policies="no/*.json")[1]
    assert run_action(repository, policies="policies/**/*.json\nno/*.json", fail_on="")[0] == 2
    (repository / "kept").write_text("kept")
    (repository / "link.sarif").symlink_to("kept")
    run_action(repository, policies="policies/**/*.json", sarif="link.sarif")
    assert (repository / "kept").read_text() == "kept"
    (repository / "policies" / "::error title=x::y.json").write_text(BAD)
    said = run_action(repository, policies="policies/**/*.json", fail_on="")[1]
    annotation = "::error file=policies/%3A%3Aerror title=x%3A%3Ay.json,line=1,title=unknown-action::"
    assert annotation in said
    stop = re.search(r"^::stop-commands::([0-9a-f]{32})$", said, re.MULTILINE)
    assert stop is not None
    assert said.index(stop[0]) < said.index("/::error title") < said.index(f"::{stop[1]}::")
    assert run_action(repository, policies="$(touch was-run)\n`touch was-run`\n;touch was-run")[0] == 2
    assert not (repository / "was-run").exists()


@pytest.mark.slow
def test_the_worst_of_several_scenario_files_decides(repository: Path) -> None:
    met = (repository / "scenarios.jsonl").read_text().splitlines()[0]
    (repository / "a.jsonl").write_text("{}")
    (repository / "b.jsonl").write_text(met.replace('"expect": "allowed"', '"expect": "denied"'))
    (repository / "c.jsonl").write_text(met)
    assert [run_action(repository, scenarios=f"[{names}].jsonl")[0] for names in ("c", "bc", "ab", "ac")] == [
        0,
        1,
        2,
        2,
    ]


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_action_installs_iamtui(tmp_path: Path) -> None:
    step = ACTION["runs"]["steps"][0]
    (tmp_path / "path").touch()
    checkout = tmp_path / "checkout"
    for name in (
        "venv/__init__.py",
        "venv/__main__.py",
        "pip/__init__.py",
        "pip/__main__.py",
        "logging.py",
        "types.py",
    ):
        (checkout / name).parent.mkdir(parents=True, exist_ok=True)
        (checkout / name).write_text(f"open({str(tmp_path / 'owned')!r}, 'w')\nraise SystemExit(1)\n")
    environ = {
        "PATH": os.environ["PATH"], "HOME": str(tmp_path), "PYTHON": sys.executable, "RUNNER_TEMP": str(tmp_path),
        "GITHUB_ACTION_PATH": str(ROOT), "GITHUB_PATH": str(tmp_path / "path"),
        # 0 is how this variable says --no-compile.
        "PIP_NO_COMPILE": "0",
        **{name: value for name, value in os.environ.items() if name.startswith("PIP_")},
    }  # fmt: skip
    subprocess.run(["bash", "-eo", "pipefail", "-c", step["run"]], cwd=checkout, env=environ, check=True, timeout=800)
    assert not (tmp_path / "owned").exists()
    program = Path((tmp_path / "path").read_text().strip()) / "iamtui"
    assert [entry.name for entry in program.parent.iterdir()] == ["iamtui"], "no other program of the job is replaced"
    assert subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout.startswith(
        "iamtui "
    )


def test_what_builds_the_wheel_is_pinned_in_the_action() -> None:
    run = ACTION["runs"]["steps"][0]["run"]
    assert 'PIP_CONSTRAINT="$GITHUB_ACTION_PATH/constraints.txt"' in run
    assert 'PIP_BUILD_CONSTRAINT="$GITHUB_ACTION_PATH/constraints.txt"' in run


# The container file


def test_the_container_file_copies_what_is_there_and_runs_as_nobody() -> None:
    text = (ROOT / "Dockerfile").read_text().replace("\\\n", " ")
    lines = [line.split() for line in text.splitlines() if line and not line.startswith("#")]
    copied = [word for line in lines if line[0] == "COPY" and "--from=build" not in line for word in line[1:-1]]
    kept = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    assert set(copied) == kept
    assert all((ROOT / name).exists() for name in copied)
    assert [line[1] for line in lines if line[0] == "USER"] == ["iamtui"]
    assert lines[-1] == ["ENTRYPOINT", '["iamtui"]']
    for command in re.findall(r"pip install[^&\n]*", text):
        assert "--constraint constraints.txt" in command
    bases = {line[1] for line in lines if line[0] == "FROM"}
    assert len(bases) == 1
    assert re.fullmatch(r"python:[0-9.]+-slim-[a-z]+@sha256:[0-9a-f]{64}", *bases)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_what_the_container_file_copies_is_enough_to_build_it(tmp_path: Path) -> None:
    for name in (line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, tmp_path / name)
    code = "from hatchling.build import build_wheel; build_wheel('.')"
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True, capture_output=True, timeout=120)
    assert list(tmp_path.glob("iamtui-*.whl"))


# SARIF


def code_scanning_refuses(log: dict[str, Any]) -> list[str]:
    """What GitHub's code scanning would not take or show, by its page on SARIF support."""
    wrong = []
    if log["version"] != "2.1.0" or len(log["runs"]) > 20:
        wrong.append("version or runs")
    for run in log["runs"]:
        driver = run["tool"]["driver"]
        rules = [rule["id"] for rule in driver["rules"]]
        if not driver["name"] or len(rules) > 25_000 or len(run["results"]) > 25_000:
            wrong.append("limits")
        wrong += [rule["id"] for rule in driver["rules"] if not rule["shortDescription"]["text"]]
        for result in run["results"]:
            places = result["locations"]
            where = places[0]["physicalLocation"]
            uri = where["artifactLocation"]["uri"]
            fine = (
                result["ruleId"] == rules[result["ruleIndex"]]
                and result["level"] in ("error", "warning", "note")
                and result["message"]["text"]
                and len(places) <= 1000
                and where["region"]["startLine"] >= 1
                and not uri.startswith("/")
            )
            if not fine:
                wrong.append(result["ruleId"])
    return wrong


def test_code_scanning_takes_the_log_of_lint(cli: Cli) -> None:
    cli.monkeypatch.chdir(POLICIES)
    log = cli("lint", "-o", "sarif", *sorted(file.name for file in POLICIES.glob("*.json"))).json
    assert len(log["runs"][0]["results"]) > 140
    assert code_scanning_refuses(log) == []
    results = log["runs"][0]["results"]
    del results[0]["locations"][0]["physicalLocation"]["region"]["startLine"]
    with pytest.raises(KeyError):
        code_scanning_refuses(log)


def test_code_scanning_takes_the_log_of_audit(cli: Cli) -> None:
    log = cli("audit", "--demo", "-o", "sarif").json
    assert log["runs"][0]["results"]
    assert code_scanning_refuses(log) == []


@pytest.mark.slow
def test_the_action_judges_a_plan(repository: Path) -> None:
    trusted = {"Version": "2012-10-17", "Statement": [{**STATEMENT, "Action": "sts:AssumeRole", "Principal": "*"}]}
    del trusted["Statement"][0]["Resource"]
    role = {"name": "open", "path": "/", "assume_role_policy": json.dumps(trusted)}
    plan = plan_document(planned("aws_iam_role.open", "create", after=role))
    (repository / "plan.json").write_text(json.dumps(plan))
    given = {"plan": "plan.json", "snapshot": "account.json", "comment": "comment.md"}
    code, said = run_action(repository, **given)
    assert code == 1
    assert "public  aws_iam_role.open" in said
    assert "| error | public |" in (repository / "comment.md").read_text()
    assert run_action(repository, **given, gate_fail_on="denied")[0] == 0
