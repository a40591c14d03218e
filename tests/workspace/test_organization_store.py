"""The store of an organization: written once, each AWS managed policy once, and nothing of it taken on trust."""

from __future__ import annotations

import gc
import io
import json
import weakref
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

import botocore.session
import jsonschema
import pytest
from botocore.response import StreamingBody

from iamtui.account.authorization_details import load_account
from iamtui.account.model import REST_OF_ACCOUNT, Account, Gap
from iamtui.account.snapshot_writer import snapshot_of
from iamtui.aws import answers
from iamtui.input_files import MissingFile, packed_for, read_document, unpacked
from iamtui.problem import Problem
from iamtui.workspace.organization import organization_store
from iamtui.workspace.organization.organization_store import (
    ListedAccount,
    LocalFiles,
    OrganizationStore,
    S3Files,
    StoreWriter,
    account_in,
    fresh_account,
    is_s3,
    open_store,
    s3_place,
    store_schema,
)
from iamtui.workspace.source.workspace import SourceInfo, SourceKind, Workspace
from tests.support.connecting import connect
from tests.support.moto_server import MotoServer
from tests.support.own_process import in_own_process
from tests.support.snapshot_builder import allow, document, role, snapshot, user
from tests.support.two_accounts import of_other

DAY = "2026-11-28"
TAKEN = datetime(2026, 11, 28, 9, tzinfo=UTC)
AWS_POLICY = {
    "PolicyName": "ReadOnlyAccess",
    "Arn": "arn:aws:iam::aws:policy/ReadOnlyAccess",
    "Path": "/",
    "DefaultVersionId": "v1",
    "AttachmentCount": 1,
    "PolicyVersionList": [
        {"VersionId": "v1", "IsDefaultVersion": True, "Document": document(allow("s3:Get*"))},
    ],
}
ATTACHED = [{"PolicyName": "ReadOnlyAccess", "PolicyArn": AWS_POLICY["Arn"]}]


def workspace(data: Any) -> Workspace:
    account = load_account(json.dumps(data).encode())
    return Workspace(account, SourceInfo(SourceKind.SNAPSHOT, "x", taken_at=TAKEN))


def one(count: int = 1) -> Workspace:
    policies = [{**AWS_POLICY, "AttachmentCount": count}]
    return workspace(snapshot(users=[user(AttachedManagedPolicies=ATTACHED)], roles=[role()], policies=policies))


def two() -> Workspace:
    data = snapshot(users=of_other([user("olga", AttachedManagedPolicies=ATTACHED)]), policies=[AWS_POLICY])
    data["iamtui"] = {"version": 1, "account_id": "444455556666"}
    return workspace(data)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    writer = StoreWriter(str(tmp_path / "org"))
    writer.take(one())
    writer.take(two())
    assert writer.written == ["123456789012", "444455556666"]
    return tmp_path / "org"


def read(folder: Path, account: str) -> Account:
    store = open_store(str(folder))
    return account_in(store.pages(DAY, account), DAY, account)


def file_of(folder: Path, account: str = "123456789012") -> Path:
    return folder / f"date={DAY}" / f"account={account}" / "snapshot.json.zst"


def test_an_account_is_read_as_it_was_written(folder: Path) -> None:
    found, written = snapshot_of(read(folder, "123456789012")), snapshot_of(one().account)
    assert {key: found[key] for key in written} == written


def test_an_aws_managed_policy_is_there_once_whatever_each_account_counts(folder: Path) -> None:
    StoreWriter(str(folder)).take(two())
    assert len([*(folder / "managed-policies").iterdir()]) == 1
    text = unpacked(file_of(folder).open("rb")).read().decode()
    assert "s3:Get*" not in text
    assert json.loads(text)["aws_managed_policies"][0]["AttachmentCount"] == 1


def test_files_are_the_users_alone(folder: Path) -> None:
    modes = {path.stat().st_mode & 0o777 for path in folder.rglob("*") if path.is_file()}
    assert (modes, folder.stat().st_mode & 0o777, file_of(folder).parent.stat().st_mode & 0o777) == (
        {0o600},
        0o700,
        0o700,
    )


def test_what_is_there_is_never_written_over(folder: Path) -> None:
    before = file_of(folder).read_bytes()
    writer = StoreWriter(str(folder))
    writer.take(one(count=7))
    assert (writer.written, writer.there, file_of(folder).read_bytes()) == ([], ["123456789012"], before)


def test_what_a_cut_off_run_left_is_not_taken_for_an_account(folder: Path) -> None:
    cut = folder / f"date={DAY}" / "account=777788889999"
    cut.mkdir()
    (cut / ".snapshot.json.zst.0123").write_bytes(b"half")
    store = open_store(str(folder))
    assert store.day().ids == ("123456789012", "444455556666", "777788889999")
    with pytest.raises(Problem, match=r"account=777788889999/snapshot\.json\.zst does not exist"):
        store.pages(DAY, "777788889999")


def test_a_part_of_an_account_is_not_written(folder: Path) -> None:
    broken = two()
    account = replace(broken.account, id="999988887777", gaps=(Gap(REST_OF_ACCOUNT, "iam:x", "throttled"),))
    with pytest.raises(Problem, match="Only a part of it could be read: throttled"):
        StoreWriter(str(folder)).take(broken.with_account(account))
    assert not file_of(folder, "999988887777").exists()


def test_an_account_in_the_folder_of_another_is_refused(folder: Path) -> None:
    file_of(folder).write_bytes(file_of(folder, "444455556666").read_bytes())
    with pytest.raises(Problem, match="of 2026-11-28 is of account 444455556666, and is not used"):
        read(folder, "123456789012")


def test_a_policy_that_is_lost_or_changed_is_unknown_and_the_rest_is_read(folder: Path) -> None:
    (policy,) = (folder / "managed-policies").iterdir()
    policy.write_bytes(packed_for(policy.name, json.dumps(AWS_POLICY).replace("s3:Get*", "s3:*").encode()))
    for words in ("is not what its name says", "does not exist"):
        account = read(folder, "123456789012")
        (gap,) = (gap for gap in account.gaps if gap.what == organization_store.LOST_POLICIES)
        assert words in gap.error
        assert "iamtui snapshot --org" in gap.error
        assert AWS_POLICY["Arn"] not in {one.arn for one in account.policies if one.document is not None}
        assert account.principals
        policy.unlink(missing_ok=True)


def test_a_policy_that_is_named_again_and_again_does_not_fill_the_memory(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    snapshot = json.loads(unpacked(file_of(folder).open("rb")).read())
    snapshot["aws_managed_policies"] *= 5_000
    file_of(folder).write_bytes(packed_for("x.zst", json.dumps(snapshot).encode()))
    monkeypatch.setattr(organization_store, "_LARGEST_SNAPSHOT", 2 * len(json.dumps(snapshot)))
    with pytest.raises(Problem, match="that are read, with the AWS managed policies that it names"):
        open_store(str(folder)).pages(DAY, "123456789012")


@pytest.mark.parametrize(
    "data", [b"", b"not packed", packed_for("x.zst", b'{"aws_managed_policies": [{"sha256": "../x"}]}')]
)
def test_a_damaged_snapshot_is_one_sentence(folder: Path, data: bytes) -> None:
    file_of(folder).write_bytes(data)
    with pytest.raises(Problem, match="account 123456789012"):
        read(folder, "123456789012")


@pytest.mark.parametrize(
    ("form", "words"),
    [
        ('{"iamtui_organization": 2}', "is of version 2, and version 1 is read here"),
        ('{"iamtui_organization": "x"}', "cannot be read"),
        ("{", "cannot be read"),
        ("[" * 5000, "more than the 4 kB|cannot be read"),
    ],
)
def test_another_format_is_refused(folder: Path, form: str, words: str) -> None:
    (folder / "iamtui-organization.json").write_text(form)
    with pytest.raises(Problem, match=words):
        open_store(str(folder))
    with pytest.raises(Problem, match=words):
        StoreWriter(str(folder))


def test_a_folder_with_something_else_in_it_does_not_become_a_store(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").touch()
    with pytest.raises(Problem, match="is not a store of an organization"):
        StoreWriter(str(tmp_path))
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_days(folder: Path) -> None:
    (folder / "date=2026-11-29" / "account=123456789012").mkdir(parents=True)
    for name in ("nonsense", "2026-11-32", "2026-13-01"):
        (folder / f"date={name}").mkdir()
    store = OrganizationStore(LocalFiles(folder))
    assert (store.dates(), store.day().date, store.day(DAY).date) == ((DAY, "2026-11-29"), "2026-11-29", DAY)
    with pytest.raises(Problem, match="has nothing of 2026-01-01"):
        store.day("2026-01-01")
    with pytest.raises(Problem, match="is not a date"):
        store.day("../../etc")


def test_a_day_that_is_empty_is_not_an_organization_without_accounts(folder: Path) -> None:
    (folder / "date=2026-11-29").mkdir()
    with pytest.raises(Problem, match="has nothing of 2026-11-29") as caught:
        OrganizationStore(LocalFiles(folder)).day()
    assert caught.value.next_step == f"Its last days: {DAY}."


def test_an_account_that_was_to_be_read_by_a_profile_is_not_missed_when_it_is_there(folder: Path) -> None:
    writer = StoreWriter(str(folder), DAY)
    writer.expect([ListedAccount("The profile dev"), ListedAccount("The profile prod")])
    writer.refused([ListedAccount("The profile prod", "", "It was denied.")])
    writer.expect([ListedAccount("The profile dev", "123456789012")])
    store = OrganizationStore(LocalFiles(folder))
    assert [one.name for one in store.day().lacking] == ["The profile prod"]
    writer.expect([ListedAccount("The profile prod", "444455556666")])
    assert store.day().lacking == ()


def test_any_name_and_problem_of_an_account_is_listed_and_read_again(folder: Path) -> None:
    writer = StoreWriter(str(folder), DAY)
    writer.refused([ListedAccount("n\ud800\x1b" * 500, "777788889999", "p\udfff" * 20_000)])
    (one,) = OrganizationStore(LocalFiles(folder)).day().lacking
    assert (one.name[:3], len(one.name), one.problem[:3]) == ("n\ufffd\u241b", 1000, "p\ufffdp")


class _Listings(LocalFiles):
    """A folder that names what is in it twice."""

    def folders(self, name: str) -> Iterator[str]:
        yield from [*super().folders(name)] * 2


def test_an_account_that_is_listed_twice_is_asked_once(folder: Path) -> None:
    store = OrganizationStore(_Listings(folder))
    assert (store.dates(), store.day().ids) == ((DAY,), ("123456789012", "444455556666"))


class _Endless:
    """An endpoint whose listing says each time that there is more of it."""

    def __init__(self) -> None:
        self.pages = 0

    def call(self, _service: str, _operation: str, form: type[Any], **_given: str) -> Any:
        self.pages += 1
        return form(IsTruncated=True, NextContinuationToken=f"{self.pages}")

    def unexpected(self, _service: str, _operation: str, what: str) -> Problem:
        return Problem(what)


def test_a_listing_without_end_is_given_up() -> None:
    endless = _Endless()
    with pytest.raises(Problem, match="it has more than 1,000 pages"):
        list(S3Files(endless, "bucket", "").folders(""))  # type: ignore[arg-type]
    assert endless.pages == 1_000


def test_an_object_of_s3_is_read_whole_and_within_its_limit(moto: MotoServer, monkeypatch: pytest.MonkeyPatch) -> None:
    client = botocore.session.get_session().create_client("s3", "us-east-1", endpoint_url=moto.url)
    client.create_bucket(Bucket="store")
    data = Random(1).randbytes(300_000)
    client.put_object(Bucket="store", Key="a/x.gz", Body=packed_for("x.gz", data))
    files = S3Files(connect(moto.url, region="us-east-1"), "store", "a/")
    assert files.read("x.gz", 1_000_000) == data
    with pytest.raises(MissingFile, match="does not exist"):
        files.read("y.gz", 1_000_000)
    monkeypatch.setattr(answers, "LARGEST_OBJECT", 100_000)
    with pytest.raises(Problem, match="more than"):
        files.read("x.gz", 1_000_000)


class _Short(_Endless):
    """An endpoint whose objects are not as long as it says."""

    def call(self, _service: str, _operation: str, _form: type[Any], **_given: str) -> Any:
        return {"Body": StreamingBody(io.BytesIO(b"{}"), 5)}


def test_an_object_of_s3_that_is_not_what_its_headers_say_is_one_that_cannot_be_read() -> None:
    with pytest.raises(Problem, match="2 read, but total bytes expected is 5"):
        S3Files(_Short(), "bucket", "").read("x", 100)  # type: ignore[arg-type]


def test_addresses_of_s3() -> None:
    assert s3_place("s3://bucket-1/a/b/") == ("bucket-1", "a/b/")
    assert s3_place("s3://bucket-1") == ("bucket-1", "")
    for wrong in ("s3:/bucket", "s3://", "s3://B\x1b[31m/x"):
        assert is_s3(wrong)
        with pytest.raises(Problem, match="is not an address of S3"):
            s3_place(wrong)
    with pytest.raises(Problem, match="only read here"):
        StoreWriter("s3://bucket-1/a")


def test_the_schema_describes_the_files(folder: Path) -> None:
    schema = store_schema()
    validator = jsonschema.Draft202012Validator(schema | {"$ref": "#/$defs/FormatFile"})
    validator.validate(json.loads((folder / "iamtui-organization.json").read_text()))
    documented = Path(__file__).parent.parent.parent / "docs" / "organization-store.schema.json"
    assert json.loads(documented.read_text()) == json.loads(json.dumps(schema)), "make generate"
    assert read_document(documented, "schema")


@pytest.mark.slow
@in_own_process
def test_accounts_that_are_done_with_are_freed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = open_store(str(folder))
    monkeypatch.setattr(organization_store, "_MOST_UNCOLLECTED", 0)
    day = store.day()
    id_ = day.ids[0]
    account = fresh_account(store.pages(day.date, id_), day.date, id_)
    account.memo["itself"] = account
    gone = weakref.ref(account)
    gc.disable()
    del account
    assert gone() is not None
    fresh_account(store.pages(day.date, id_), day.date, id_)
    gc.enable()
    assert gone() is None
