"""Every example of the documentation that does not name the demo account runs too, on files and programs made for it.

The account behind a profile is a snapshot of that name; options that only a live account takes are left out.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import pytest

from iamtui.activity.event_rows import COUNT, write_parquet
from iamtui.input_files import packed_for
from tests.support.plans import plan_document, planned
from tests.test_readme import BLOCKS

DATA: Final = Path(__file__).parent / "compatibility" / "data"
NOT_OURS: Final = ("docker ", "pipx ", "uvx ", "make ", "ask")
ONLY_LIVE: Final = re.compile(r" --(?:people|last-accessed|org-role \S+|org-unit \S+|ray \S+)(?=\s|$)")
IN_S3: Final = re.compile(r"--store s3://\S+ --profile \S+ --date \S+")
READS_AN_ACCOUNT: Final = re.compile(r"iamtui (?:explain|who-can|can|list|show|audit|escalations)\b")


def examples() -> list[tuple[str, str]]:
    """Each line of a shell or a pipeline that runs a command, without those on the demo account."""
    found: dict[tuple[str, str], None] = {}
    for page, kind, text in BLOCKS:
        if kind not in ("sh", "yaml", "console"):
            continue
        for line in text.replace("\\\n", " ").splitlines():
            bare = line.strip().removeprefix("- run: ").removeprefix("$ ").partition("   #")[0].strip()
            ours = re.search(r"\biamtui [a-z]", bare) and (kind != "yaml" or "- run: " in line)
            if ours and "--demo" not in bare and not bare.startswith(NOT_OURS):
                found[page, bare.partition(" # ")[0].strip()] = None
    return list(found)


def as_here(line: str) -> str:
    """The example with files in the place of live accounts."""
    line = IN_S3.sub("--store ./org", ONLY_LIVE.sub("", line)).replace("snapshot --org ./", "snapshot --org written/")
    line = re.sub(r"--profile (\S+)", r"--snapshot \1.json", line)
    reads = READS_AN_ACCOUNT.search(line) is not None
    line = re.sub(r"--(keep|fix) \S+", r"--\1 $(mktemp -u)", line)
    return line if not reads or "--snapshot" in line else f"{line} --snapshot account.json"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the examples name: snapshots, policies, scenarios, questions, a draft, a trail, and two programs."""
    folder = tmp_path_factory.mktemp("examples")
    account: dict[str, Any] = json.loads((DATA / "snapshot.json").read_text())
    own = account["RoleDetailList"][1]
    arn = own["Arn"].replace("service-role/lambda-thumbnails", "ci")
    for name, place in (("ci", 1), ("deploy", 2)):
        more = {"RoleName": name, "Path": "/", "Arn": f"{arn[:-2]}{name}", "RoleId": f"AROACI0000000000000{place}"}
        account["RoleDetailList"].append({**own, **more})
    statement = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/*"}
    read = {"Version": "2012-10-17", "Statement": [statement]}
    account["RoleDetailList"][-1]["RolePolicyList"] = [{"PolicyName": "read", "PolicyDocument": read}]
    text = json.dumps(account)
    for name, number in {"account": "123456789012", "prod": "222233334444", "dev": "111122223333"}.items():
        (folder / f"{name}.json").write_text(text.replace("123456789012", number))
    (folder / "management.json").write_text(text)
    for name in ("account", "last-week", "today"):
        (folder / f"{name}.json.zst").write_bytes(packed_for(".zst", text.encode()))
    (folder / "policies").mkdir()
    (folder / "policies" / "ci.json").write_text(json.dumps(read))
    for name in ("new", "old", "one", "other", "scp"):
        (folder / f"{name}.json").write_bytes((folder / "policies" / "ci.json").read_bytes())
    (folder / "tests" / "iam").mkdir(parents=True)
    (folder / "tests" / "iam" / "all.json").write_bytes((DATA / "scenarios.jsonl").read_bytes())
    (folder / "iam-tests.json").write_bytes((DATA / "questions.json").read_bytes())
    draft = json.loads((DATA / "draft.json").read_text())
    (folder / "change.json").write_text(json.dumps({**draft, "edits": draft["edits"][:1]}))
    denied = "User: arn:aws:iam::123456789012:user/carol is not authorized to perform: s3:GetObject on resource: "
    denied += "arn:aws:s3:::b/k because no identity-based policy allows the s3:GetObject action"
    record = {
        "eventVersion": "1.11", "eventSource": "s3.amazonaws.com", "eventName": "GetObject",
        "errorCode": "AccessDenied", "errorMessage": denied,
        "awsRegion": "us-east-1", "eventTime": "2026-11-01T10:00:00Z",
        "userIdentity": {"type": "IAMUser", "arn": "arn:aws:iam::123456789012:user/carol", "accountId": "123456789012"},
    }  # fmt: skip
    session = {
        "type": "AssumedRole", "arn": "arn:aws:sts::123456789012:assumed-role/deploy/s", "accountId": "123456789012",
        "sessionContext": {"sessionIssuer": {"type": "Role", "arn": f"{arn[:-2]}deploy"}},
    }  # fmt: skip
    used = {key: value for key, value in record.items() if not key.startswith("error")}
    used |= {"userIdentity": session, "requestParameters": {"bucketName": "b", "key": "k"}}
    (folder / "trail.json.gz").write_bytes(packed_for(".gz", json.dumps({"Records": [record, used]}).encode()))
    queue = planned("aws_sqs_queue.jobs", "create", after={"name": "jobs"})
    (folder / "plan.json").write_text(json.dumps(plan_document(queue)))
    (folder / "AWSLogs").mkdir()
    (folder / "AWSLogs" / "trail.json.gz").write_bytes((folder / "trail.json.gz").read_bytes())
    if find_spec("pyarrow") is not None or "CI" in os.environ:
        with (folder / "activity.parquet").open("wb") as file:
            columns = {name: [record.get(name, "")] for name in ("eventSource", "eventName", "errorCode")}
            write_parquet(file, [{**columns, COUNT: [3]}])
    made = ["snapshot", "--org", "org", "--snapshot", "dev.json", "--snapshot", "prod.json"]
    subprocess.run([sys.executable, "-m", "iamtui", *made], cwd=folder, check=False, timeout=120)
    (folder / "bin").mkdir()
    for name, said in {"kubectl": f"echo '{denied}'", "aws": f"cat {folder}/account.json"}.items():
        program = folder / "bin" / name
        program.write_text(f"#!/bin/sh\n{said}\n")
        program.chmod(0o755)
    return folder


def test_there_are_examples_of_every_kind() -> None:
    lines = [line for _, line in examples()]
    assert len(lines) > 18
    for part in ("iamtui lint ", "simulate -", "diff ", "explain -", "--profile ", "questions run"):
        assert any(part in line for line in lines), part


@pytest.mark.slow
@pytest.mark.parametrize(("page", "line"), examples())
def test_it_runs(page: str, line: str, folder: Path) -> None:
    environ = {
        "PATH": f"{folder / 'bin'}:{Path(sys.executable).parent}:/usr/bin:/bin",
        "HOME": str(folder),
        "TMPDIR": str(folder),
    }
    command = as_here(line)
    (folder / "written").mkdir(exist_ok=True)
    if re.search(r"iamtui snapshot ([^\s-]\S*)", command):
        command = re.sub(r"iamtui snapshot (\S+)", r"iamtui snapshot written/\1 --overwrite", command)
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command],
        cwd=folder, env=environ, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode in (0, 1, 3), f"{page}: {command}\n{done.stderr}"
    assert "iamtui: " not in done.stderr, f"{page}: {command}\n{done.stderr}"
