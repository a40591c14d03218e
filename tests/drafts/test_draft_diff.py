"""A draft as a diff of its documents, applied with `patch`."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from iamtui.drafts.edits.policies import DeleteInlinePolicy, PutInlinePolicy, PutManagedPolicy, PutResourcePolicy
from iamtui.drafts.edits.principals import AddUserToGroup, DeletePermissionsBoundary, DetachPolicy
from iamtui.drafts.exports import export
from iamtui.policy.document import PolicyDocument
from tests.support.applied_drafts import account_after
from tests.support.draft_exports import POLICY, account, draft, organization_edits
from tests.support.external_tools import need
from tests.support.sample_account import ADMIN_ARN, ID, LAKE_READ, allow, document, iam

DEPLOY, BOB = iam("role/deploy-prod"), iam("user/data/bob")


def test_the_diff_applies(tmp_path: Path) -> None:
    need("patch")
    before = account()
    edits = (
        PutInlinePolicy(DEPLOY, "deploy", POLICY),
        PutInlinePolicy(DEPLOY, "new=one", POLICY),
        DeleteInlinePolicy(BOB, "scratch-bucket"),
        PutManagedPolicy(LAKE_READ.arn, POLICY),
        DetachPolicy(DEPLOY, ADMIN_ARN),
        DeletePermissionsBoundary(BOB),
        AddUserToGroup(BOB, iam("group/admins")),
        *organization_edits(),
    )
    after = account_after(before, draft(*edits))
    text = export(draft(*edits), before, after, "diff")
    old = {
        "iam/role/deploy-prod/inline/deploy.json": before.role("deploy-prod").inline_policies[0].document.text,  # type: ignore[union-attr]
        "iam/user/bob/inline/scratch-bucket.json": before.user("bob").inline_policies[0].document.text,  # type: ignore[union-attr]
        "iam/policy/data-lake-read.json": before.policy(LAKE_READ.arn).default_version.document.text,  # type: ignore[union-attr]
        "iam/role/deploy-prod/attached.txt": f"policy {LAKE_READ.arn}\npolicy {ADMIN_ARN}",
        "iam/user/bob/attached.txt": f"boundary {iam('policy/developer-boundary')}\ngroup analysts",
        "organizations/r-ab12/scp/regions.json": document(allow("*")).text,
        "organizations/ou-ab12-x/scp/regions.json": document(allow("*")).text,
    }
    for name, content in old.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content + "\n", encoding="utf-8")
    done = subprocess.run(
        ["patch", "-p1", "--fuzz=0"], cwd=tmp_path, input=text, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    new = PolicyDocument(POLICY).text + "\n"
    files = {str(p.relative_to(tmp_path)): p.read_text() for p in tmp_path.rglob("*") if p.is_file()}
    assert files == {
        "iam/role/deploy-prod/inline/deploy.json": new,
        "iam/role/deploy-prod/inline/new=one.json": new,
        "iam/policy/data-lake-read.json": new,
        "iam/role/deploy-prod/attached.txt": f"policy {LAKE_READ.arn}\n",
        "iam/user/bob/attached.txt": "group admins\ngroup analysts\n",
        "organizations/r-ab12/scp/regions.json": new,
        "organizations/ou-ab12-x/scp/no%20%28root%29%20it%27s.json": new,
        f"organizations/{ID}/scp/no%20%28root%29%20it%27s.json": new,
    }


def test_no_name_leaves_the_folder() -> None:
    before = account()
    edits = [PutResourcePolicy("arn:aws:s3:::../../etc/passwd", POLICY), PutResourcePolicy("arn:aws:s3:::..", POLICY)]
    text = export(draft(*edits), before, before, "diff")
    paths = [row[6:] for row in text.splitlines() if row.startswith("+++ ")]
    assert len(paths) == 2
    assert all(".." not in Path(path).parts for path in paths)


@given(st.text(), st.text())
def test_a_diff_can_be_written_to_a_file(old: str, new: str) -> None:
    before = account()
    edits = draft(
        PutInlinePolicy(DEPLOY, "p", json.dumps({"Sid": old, "Statement": []})), PutInlinePolicy(BOB, "q", new)
    )
    export(edits, before, before, "diff").encode("utf-8")


def test_a_diff_holds_nothing_that_a_terminal_obeys_or_nobody_sees() -> None:
    before = account()
    text = json.dumps({"Version": "2012-10-17", "Statement": [allow("*") | {"Sid": "a\x9b2J\u202eb\U000e0041c"}]})
    made = draft(PutInlinePolicy(DEPLOY, "new", text))
    written = export(made, before, account_after(before, made), "diff")
    assert not {"\x9b", "\u202e", "\U000e0041"} & set(written)
    assert r"a\u009b2J\u202eb\udb40\udc41c" in written
