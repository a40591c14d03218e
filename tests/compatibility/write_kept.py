"""Writer of the files in `kept/`: one of every kind that users keep, from two tiny accounts, by the commands.

    python -m tests.compatibility.write_kept FOLDER

The files in `kept/` stay as they were written: users have such files. When a form changes, keep them, let
`test_kept_files.py` say what they are read as from then on, and put what the new code writes beside them. By hand are
only what users write by hand: `config.toml`, `theme.toml`, `scenarios.jsonl`, `audit.toml`. The cache is written by
the function that the commands call once AWS has answered, and the screen's state by the screen itself.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from iamtui import paths
from iamtui.account.authorization_details import load_account
from iamtui.aws.credential_process import CredentialCommand
from iamtui.credentials.assume_role import AssumeRoleInput
from iamtui.credentials.session import AssumeExtras
from iamtui.questions.question import Question, QuestionMatrix
from iamtui.tui.app import IamtuiApp
from iamtui.tui.main.screen_state import ScreenState
from iamtui.workspace.ask.saved_questions import QuestionStore, account_key
from iamtui.workspace.assume.remembered_assume_input import remember_input
from iamtui.workspace.organization.organization_store import ListedAccount, StoreWriter
from iamtui.workspace.source.credential_commands import confirm
from iamtui.workspace.source.opening import keep_account
from iamtui.workspace.source.workspace import SourceChoice, SourceInfo, SourceKind, Workspace
from tests.support.screen_app import opened, settle
from tests.support.snapshot_builder import ID, allow, attached, complete, document, iam, inline, trust
from tests.support.two_accounts import of_other

AWS_POLICY: Final = "arn:aws:iam::aws:policy/ReadOnlyAccess"
DAY: Final = "2026-11-24"
ASKED: Final = QuestionMatrix(("s3:GetObject",), ("arn:aws:s3:::plain/k",), Question("", "*"))
COMMAND: Final = CredentialCommand("work", "/opt/bin/credentials --account work", "/")
ENTERED: Final = AssumeRoleInput(
    iam("role/ci/deploy"), session_name="release", duration_seconds=1800, mfa_serial=iam("mfa/alice"),
    extras=AssumeExtras(tags=(("stage", "prod"),), transitive_tag_keys=("stage",), source_identity="alice"),
)  # fmt: skip


def account_data() -> dict[str, Any]:
    """An account with every key of the format, in which a few questions have definite answers."""
    data = complete()
    alice, bob = data["UserDetailList"]
    bob["AttachedManagedPolicies"] = [attached(AWS_POLICY)]
    may_list = inline("own", document(allow(["s3:GetObject", "s3:ListAllMyBuckets"])))
    alice["UserPolicyList"] = [may_list]
    data["RoleDetailList"][0]["AssumeRolePolicyDocument"] = trust({"AWS": iam("user/staff/alice")})
    data["Policies"].append({
        "PolicyName": "ReadOnlyAccess", "PolicyId": "ANPAREADONLY", "Arn": AWS_POLICY, "Path": "/",
        "DefaultVersionId": "v1", "AttachmentCount": 1, "PolicyVersionList": [
            {"VersionId": "v1", "IsDefaultVersion": True, "Document": document(allow(["s3:Get*", "s3:List*"]))},
        ],
    })  # fmt: skip
    full = {"arn": "arn:aws:organizations::aws:policy/p-F", "name": "F", "document": document(allow("*"))}
    for level in data["organization"]["path"]:
        level |= {"scps": [full], "rcps": [full]}
    data["resource_policies"]["arn:aws:s3:::plain"] = {"state": "none"}
    return data


def trail() -> list[dict[str, Any]]:
    """Four events: bob reads an object twice, may not write one, and a session of the role deploy deletes one."""
    bob = {"type": "IAMUser", "arn": iam("user/bob"), "accountId": ID, "accessKeyId": "AKIAAAAAAAAAAAAAAAAA"}
    issuer = {"type": "Role", "arn": iam("role/ci/deploy"), "accountId": ID}
    session = {
        "type": "AssumedRole", "arn": f"arn:aws:sts::{ID}:assumed-role/deploy/release", "accountId": ID,
        "accessKeyId": "ASIAAAAAAAAAAAAAAAAA", "sessionContext": {"sessionIssuer": issuer},
    }  # fmt: skip

    def event(name: str, bucket: str, who: dict[str, Any], time: str, **more: Any) -> dict[str, Any]:
        return {
            "eventVersion": "1.11", "eventSource": "s3.amazonaws.com", "eventName": name, "eventType": "AwsApiCall",
            "eventTime": time, "awsRegion": "us-east-1", "recipientAccountId": ID, "userIdentity": who,
            "requestParameters": {"bucketName": bucket, "key": "k"}, "sourceIPAddress": "203.0.113.9",
            "resources": [{"ARN": f"arn:aws:s3:::{bucket}/k", "accountId": ID, "type": "AWS::S3::Object"}], **more,
        }  # fmt: skip

    return [
        event("GetObject", "plain", bob, "2026-10-01T10:00:00Z"),
        event("GetObject", "plain", bob, "2026-10-02T10:00:00Z"),
        event("PutObject", "plain", bob, "2026-10-03T10:00:00Z", errorCode="AccessDenied"),
        event("DeleteObject", "b", session, "2026-10-04T10:00:00Z"),
    ]


def iamtui(*arguments: str | Path, stdin: str = "") -> None:
    """Run a command; one that fails ends everything. What is open (3) is: the account has parts that are not known."""
    words = [sys.executable, "-m", "iamtui", *map(str, arguments)]
    code = subprocess.run(words, input=stdin, text=True, check=False, stdout=subprocess.DEVNULL).returncode
    if code not in (0, 3):
        raise SystemExit(f"{' '.join(words)} ended with {code}.")


async def leave_screen(workspace: Workspace) -> None:
    """Go to a role, ask, sort, mark a user, choose a theme, and leave."""
    # A made-up path: nothing is read from it, and the state has no path of the machine.
    choice = SourceChoice(SourceKind.SNAPSHOT, snapshot=Path("/accounts/acme.json"))
    app = IamtuiApp(choice, opener=lambda *_: workspace)
    async with opened(app) as pilot:
        app.main.go_to(iam("role/ci/deploy"))
        app.main.subject.detail.select_tab("policies")
        app.main.subject.table.sorts["roles"] = ("created", True)
        app.main.browsing.bookmarks.append(iam("user/bob"))
        app.main.question.ask_matrix(ASKED)
        await settle(pilot)
        app.exit()


def write(folder: Path, work: Path) -> None:
    """Write every file into a folder; the rest is left in `work`."""
    own, other = work / "own.json", work / "other.json"
    own.write_text(json.dumps(account_data()))
    other.write_text(json.dumps(of_other(account_data())))
    snapshot = folder / "snapshot.json"
    iamtui("snapshot", snapshot, "--snapshot", own)
    source = ("--snapshot", snapshot)

    draft = folder / "draft.json"
    iamtui("draft", "edit", draft, "detach", "user/bob", "ReadOnlyAccess", "--name", "less for bob", *source)
    may_put = json.dumps(document(allow("s3:PutObject", "arn:aws:s3:::plain/*")))
    iamtui("draft", "edit", draft, "put-inline", "user/bob", "writes", "-", *source, stdin=may_put)
    let_in = json.dumps(trust({"AWS": iam("user/bob")}))
    iamtui("draft", "edit", draft, "create-role", "role/new", "-", *source, stdin=let_in)
    iamtui("draft", "edit", draft, "delete-role", "role/idle", *source)
    iamtui("draft", "edit", draft, "delete-login-profile", "user/alice", *source)

    questions = paths.data_folder() / "questions.json"
    on = ("--on", "arn:aws:s3:::plain/k")
    iamtui("can", "user/alice", "s3:GetObject", *on, "--expect", "allowed", "--save", "alice reads", *source)
    with_ip = ("--context", "aws:SourceIp=203.0.113.9", "--strict")
    denied = ("--expect", "implicitDeny", "--save", "bob cannot write")
    iamtui("can", "user/bob", "s3:PutObject", *on, *with_ip, *denied, *source)
    iamtui("prove", "never", "user/bob", "iam:CreateUser", "--save", "bob makes no user", *source)

    events = work / "trail.json"
    events.write_text(json.dumps({"Records": trail()}))
    iamtui("replay", events, "--keep", folder / "requests.parquet", *source)

    iamtui("snapshot", "--org", folder / "organization", *source, "--snapshot", other)
    lost = ListedAccount("777788889999 (lost)", "777788889999", "AWS denied sts:AssumeRole.")
    StoreWriter(str(folder / "organization"), DAY).refused([lost])

    account = load_account(snapshot.read_bytes())
    if not keep_account(account, ""):
        raise SystemExit("The account was not kept in the cache.")
    workspace = Workspace(account, SourceInfo(SourceKind.SNAPSHOT, "/accounts/acme.json", taken_at=account.taken_at))
    QuestionStore(account_key(workspace)).add_to_history(ASKED)
    remember_input(workspace, ENTERED)
    confirm(COMMAND)
    asyncio.run(leave_screen(workspace))
    ScreenState().keep(theme="iamtui-dusk")

    shutil.copy(paths.screen_state(), folder / "screen.json")
    shutil.copy(questions, folder / "questions.json")
    for name in ("assume.json", "commands.json"):
        shutil.copy(paths.data_folder() / name, folder / name)
    (folder / "accounts").mkdir()
    for file in paths.accounts_folder().iterdir():
        shutil.copy(file, folder / "accounts")


def main() -> None:
    folder = Path(sys.argv[1]).absolute()
    folder.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory() as home:
        work = Path(home)
        os.environ["HOME"] = home
        for name in ("CONFIG", "DATA", "STATE", "CACHE"):
            os.environ[f"XDG_{name}_HOME"] = str(work / name.lower())
        write(folder, work)


if __name__ == "__main__":
    main()
