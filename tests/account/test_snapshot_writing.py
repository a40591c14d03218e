from __future__ import annotations

import json
from dataclasses import replace

from iamtui.account.authorization_details import load_account
from iamtui.account.model import Account, Known, Missing
from iamtui.account.snapshot_writer import snapshot_of
from tests.support.snapshot_builder import as_bytes, complete, document, inline, role, snapshot, trust, user


def again(account: Account) -> Account:
    return load_account(as_bytes(snapshot_of(account)))


def test_a_complete_account_survives_the_round_trip() -> None:
    account = load_account(json.dumps(complete()).encode())

    returned = load_account(json.dumps(snapshot_of(account)).encode())

    assert returned == account
    assert snapshot_of(returned) == snapshot_of(account)


def test_what_is_written_is_what_was_read() -> None:
    written = snapshot_of(load_account(as_bytes(complete())))

    given = complete()
    for key in ("organization", "login_profiles", "user_details", "role_details", "mfa_devices", "iamtui", "missing"):
        if key == "user_details":
            assert written[key]["alice"] == given[key]["alice"]
        elif key in ("login_profiles", "mfa_devices"):
            assert set(written[key]) == set(given[key])
        else:
            assert written[key] == given[key]
    assert written["UserDetailList"][0]["UserPolicyList"] == given["UserDetailList"][0]["UserPolicyList"]
    assert written["Policies"][0]["PolicyVersionList"][0]["Document"] == document()


def test_what_is_missing_stays_missing() -> None:
    account = load_account(as_bytes(snapshot(users=[user()], roles=[role()])))

    written = snapshot_of(account)

    assert not {"organization", "identity_providers", "access_keys", "user_details", "role_details"} & set(written)
    assert again(account) == account
    assert isinstance(again(account).organization, Missing)


def test_unreadable_documents_stay_as_they_were() -> None:
    broken = ['{"Statement": [', '{"Statement": [], "Statement": []}', "%7Bbroken", "null"]
    account = load_account(as_bytes(snapshot(users=[user(UserPolicyList=[inline(b[:4], b) for b in broken])])))

    returned = again(account)

    assert [one.document.raw for one in returned.users[0].inline_policies] == broken


def test_text_of_any_kind_survives() -> None:
    hostile = "\x1b]52;c;cHduZWQ=\x07 \u202e [red]x[/] %41"
    body = document({"Sid": hostile, "Effect": "Allow", "Action": "s3:*", "Resource": hostile})
    account = load_account(
        as_bytes(
            snapshot(
                users=[user(UserPolicyList=[inline(hostile, body)], Tags=[{"Key": hostile, "Value": hostile}])],
                roles=[role(AssumeRolePolicyDocument=trust(hostile))],
            )
        )
    )

    returned = again(account)

    assert returned.users[0].tags == ((hostile, hostile),)
    assert returned.users[0].inline_policies[0].document.policy.statements[0].resources == (hostile,)
    assert snapshot_of(returned) == snapshot_of(account)


def test_the_source_of_gaps_is_kept() -> None:
    account = load_account(as_bytes(snapshot(users=[user()])))
    without = replace(account, gaps=())

    assert again(account).gaps == account.gaps
    assert set(again(without).gaps) <= set(account.gaps)


def test_facts_of_the_account_survive_the_round_trip() -> None:
    account = load_account(as_bytes(complete()))

    assert isinstance(account.summary, Known)
    assert account.summary.value["UsersQuota"] == 5000
    assert isinstance(account.credential_report, Known)
    alice = account.credential_report.value.row("alice")
    assert alice is not None
    assert [(key.status, key.last_service) for key in alice.access_keys] == [("Active", "s3"), ("Inactive", "")]
    assert isinstance(account.server_certificates, Known)
    assert account.last_accessed[account.roles[0].arn].services[0].actions == {"DeleteBucket": None}
    assert again(account) == account


def test_no_password_policy_is_not_an_unknown_one() -> None:
    none = load_account(as_bytes(snapshot(users=[user()], password_policy=None)))
    unknown = load_account(as_bytes(snapshot(users=[user()])))

    assert again(none).password_policy == Known(None)
    assert again(unknown).password_policy == Missing("not in the snapshot", "iam:GetAccountPasswordPolicy")
    assert "password_policy" not in snapshot_of(unknown)
