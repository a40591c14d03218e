"""`iamtui snapshot --org`: the accounts of an organization into a store, which goes on where it was cut off."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.cli.test_organization_accounts import assumed, company, named  # noqa: F401 - fixtures
from tests.support.cli_runner import Cli
from tests.support.company import Company
from tests.support.fault_proxy import FaultProxy, error
from tests.support.moto_server import ACCOUNT
from tests.support.two_accounts import OTHER, files  # noqa: F401 - a fixture

pytestmark = pytest.mark.usefixtures("no_aws_settings")


def days(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.glob("date=*/account=*/*"))


def test_each_account_is_written_and_what_refused_is_tried_again(
    cli: Cli,
    company: Company,  # noqa: F811
    named: tuple[str, ...],  # noqa: F811
    fault_proxy: FaultProxy,
    tmp_path: Path,
) -> None:
    store = tmp_path / "org"
    today = datetime.now(UTC).date().isoformat()
    fault_proxy.on("AssumeRole", error(403, "AccessDenied", "not you"))
    found = cli("snapshot", "--org", store, *named)
    assert (found.code, found.out.split(" to ")[0]) == (3, "Wrote 1 account")
    assert f"The account {company.member} (member) could not be opened: AWS denied sts:AssumeRole" in found.err
    assert days(store) == [f"date={today}/account={ACCOUNT}/snapshot.json.zst"]
    listed = json.loads((store / f"date={today}" / "accounts.json").read_text())["accounts"]
    assert {one["account"]: "AssumeRole" in one.get("problem", "") for one in listed} == {
        ACCOUNT: False,
        company.member: True,
    }

    fault_proxy.rules.clear()
    fault_proxy.calls.clear()
    again = cli("snapshot", "--org", store, *named)
    assert (again.code, again.out.split("; ")[1]) == (0, "1 there already, 0 could not be read.\n")
    assert len(days(store)) == 2
    assert len(assumed(fault_proxy)) == 1
    assert [call.operation for call in fault_proxy.calls].count("GetAccountAuthorizationDetails") == 1

    fault_proxy.calls.clear()
    assert cli("snapshot", "--org", store, *named).code == 0
    assert assumed(fault_proxy) == []


def test_files_go_to_the_day_they_were_taken(cli: Cli, files: tuple[str, str], tmp_path: Path) -> None:  # noqa: F811
    store = tmp_path / "org"
    found = cli("snapshot", "--org", store, "--snapshot", files[0], "--snapshot", files[1])
    assert found.code == 0
    assert f"aws s3 sync {store} s3://BUCKET/PREFIX" in found.err
    assert [path.rsplit("account=")[1] for path in days(store)] == [
        "123456789012/snapshot.json.zst",
        f"{OTHER}/snapshot.json.zst",
    ]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("out.json", "--org", "x"), "FILE does not apply with --org"),
        (("--org", "x", "--redact"), "--redact does not apply with --org"),
        (("--org", "x", "--on", "arn:aws:s3:::b"), "--on does not apply with --org"),
        (("--org", "s3://bucket/x"), "A store in S3 is only read here."),
        (("out.json", "--date", "2026-11-28"), "--date applies only with --org"),
        (("--org", "x", "--date", "2026-11-28"), "is empty"),
        (("--org", "x", "--date", "yesterday"), "yesterday is not a date"),
    ],
)
def test_what_does_not_apply(cli: Cli, tmp_path: Path, words: tuple[str, ...], said: str) -> None:
    cli.monkeypatch.chdir(tmp_path)
    cli("snapshot", *words, "--demo").failed_with(said)
