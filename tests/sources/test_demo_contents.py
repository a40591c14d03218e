"""The demo account holds everything that the screens, the engine and the analyses want to show."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

from iamtui.account.model import Account, Known, Missing, User
from iamtui.policy.document import PolicyDocument
from iamtui.sources.demo import load_demo_account
from iamtui.sources.managed_policies import managed_policy_document

REPOSITORY = Path(__file__).parents[2]
ACCOUNT: Account = load_demo_account()


def value(fact):
    assert isinstance(fact, Known), fact
    return fact.value


TAKEN_AT = ACCOUNT.taken_at


def documents() -> list[tuple[str, PolicyDocument]]:
    """Every policy document of the account with a name for it."""
    found: list[tuple[str, PolicyDocument]] = []
    for holder in (*ACCOUNT.users, *ACCOUNT.groups, *ACCOUNT.roles):
        found += [(f"{holder.arn} {inline.name}", inline.document) for inline in holder.inline_policies]
    found += [(f"{role.arn} trust", role.trust) for role in ACCOUNT.roles]
    found += [(f"{policy.arn} {v.id}", v.document) for policy in ACCOUNT.policies for v in policy.versions]
    found += [(arn, known.document) for arn, known in ACCOUNT.resource_policies.items() if known.document]
    for level in value(ACCOUNT.organization).path:
        found += [(f"{level.name} {p.name}", p.document) for p in (*value(level.scps), *value(level.rcps))]
    return found


def test_the_file_is_what_the_story_says():
    done = subprocess.run(
        [sys.executable, "-m", "tools.demo", "--check"],
        check=False,
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr


def test_it_is_a_whole_account():
    customers = [policy for policy in ACCOUNT.policies if not policy.aws_managed]
    assert len(ACCOUNT.users) >= 40
    assert len(ACCOUNT.groups) >= 10
    assert len(ACCOUNT.roles) >= 60
    assert len(customers) >= 40
    assert ACCOUNT.gaps == ()
    assert value(ACCOUNT.alias) == "puffin-prod"
    assert TAKEN_AT is not None
    assert TAKEN_AT.date().isoformat() == "2026-11-24"


def test_no_fact_of_an_entity_is_missing():
    for user in ACCOUNT.users:
        for fact in (user.password_last_used, user.access_keys, user.mfa_devices, user.login_profile):
            assert not isinstance(fact, Missing), user.name
    for role in ACCOUNT.roles:
        for fact in (role.description, role.max_session_seconds, role.last_used):
            assert not isinstance(fact, Missing), role.name


def test_no_fact_of_the_account_is_missing():
    for fact in (
        ACCOUNT.summary,
        ACCOUNT.password_policy,
        ACCOUNT.credential_report,
        ACCOUNT.server_certificates,
    ):
        assert isinstance(fact, Known)
    assert {row.user for row in value(ACCOUNT.credential_report).rows[1:]} == {user.name for user in ACCOUNT.users}
    assert all(ACCOUNT.by_arn(arn) for arn in ACCOUNT.last_accessed)


def test_every_document_can_be_read():
    unreadable = {name: str(document.error) for name, document in documents() if document.error}
    assert unreadable == {}
    assert len(documents()) > 200


def test_references_point_at_something():
    holders = (*ACCOUNT.users, *ACCOUNT.groups, *ACCOUNT.roles)
    for holder in holders:
        for attached in holder.attached_policies:
            policy = ACCOUNT.policy(attached.arn)
            assert policy is not None, attached.arn
            assert policy.name == attached.name
            assert policy.default_version is not None
    for bounded in (*ACCOUNT.users, *ACCOUNT.roles):
        assert bounded.boundary_arn is None or ACCOUNT.policy(bounded.boundary_arn) is not None
    for user in ACCOUNT.users:
        assert all(ACCOUNT.group(name) for name in user.groups)
    for profile in ACCOUNT.instance_profiles:
        assert profile.roles
        assert all(ACCOUNT.role(name) for name in profile.roles)
    for policy in ACCOUNT.policies:
        assert value(policy.attachment_count) == len(ACCOUNT.holders(policy.arn))
        assert value(policy.boundary_count) == len(ACCOUNT.bounded_by(policy.arn))


def test_arns_named_in_documents_exist():
    """An ARN of this account without wildcards in a Principal, or of a role or policy in a Resource, is real."""
    for name, document in documents():
        for statement in document.policy.statements:
            named = [entry.value for entry in statement.principals or ()]
            named += [r for r in statement.resources or () if r.startswith("arn:aws:iam::111122223333:role/")]
            for arn in named:
                if arn.startswith("arn:aws:iam::111122223333:") and not arn.endswith(":root") and "*" not in arn:
                    assert ACCOUNT.by_arn(arn) is not None, (name, arn)


def test_ids_are_unique_and_have_their_prefixes():
    prefixes = (
        ("AIDA", ACCOUNT.users),
        ("AGPA", ACCOUNT.groups),
        ("AROA", ACCOUNT.roles),
        ("ANPA", ACCOUNT.policies),
        ("AIPA", ACCOUNT.instance_profiles),
    )
    ids = []
    for prefix, entities in prefixes:
        for entity in entities:
            assert re.fullmatch(prefix + "[A-Z2-7]{17}", entity.id), entity.arn
            ids.append(entity.id)
    keys = [key.id for user in ACCOUNT.users for key in value(user.access_keys)]
    assert all(re.fullmatch("AKIA[A-Z2-7]{9}EXAMPLE", key) for key in keys)
    arns = [entity.arn for entity in ACCOUNT.entities()]
    for listed in (ids, keys, arns):
        assert len(listed) == len(set(listed))


def test_names_are_unique_without_regard_to_case():
    for entities in (ACCOUNT.users, ACCOUNT.groups, ACCOUNT.roles):
        names = [entity.name.lower() for entity in entities]
        assert len(names) == len(set(names))


def test_dates_lie_in_the_past_and_in_order():
    assert TAKEN_AT is not None
    for entity in (*ACCOUNT.users, *ACCOUNT.groups, *ACCOUNT.roles, *ACCOUNT.policies):
        assert entity.created is not None
        assert entity.created < TAKEN_AT, entity.arn
    for user in ACCOUNT.users:
        assert user.created is not None
        moments = [value(user.password_last_used)]
        moments += [key.last_used for key in value(user.access_keys)]
        for moment in filter(None, moments):
            assert user.created.date() <= moment.date(), user.name
            assert moment < TAKEN_AT, user.name
        for key in value(user.access_keys):
            assert key.created is not None
            assert user.created.date() <= key.created.date()
            assert key.last_used is None or key.created.date() <= key.last_used.date()
    for role in ACCOUNT.roles:
        used = value(role.last_used)
        assert role.created is not None
        assert used is None or role.created < used < TAKEN_AT, role.name
    years = {entity.created.year for entity in (*ACCOUNT.users, *ACCOUNT.roles) if entity.created}
    assert len(years) >= 6


def test_quotas_of_documents_are_kept():
    """IAM User Guide: IAM and AWS STS quotas; white space does not count."""

    def size(document: PolicyDocument) -> int:
        return len(json.dumps(document.value, separators=(",", ":")))

    for user in ACCOUNT.users:
        assert sum(size(inline.document) for inline in user.inline_policies) <= 2048
        assert len(user.groups) <= 10
        assert len(value(user.access_keys)) <= 2
    for group in ACCOUNT.groups:
        assert len(group.attached_policies) <= 10
    for role in ACCOUNT.roles:
        assert size(role.trust) <= 2048
        assert len(role.attached_policies) <= 10
    for policy in ACCOUNT.policies:
        assert len(policy.versions) <= 5
        assert sum(version.is_default for version in policy.versions) == 1
        if not policy.aws_managed:
            assert all(size(version.document) <= 6144 for version in policy.versions)
    for level in value(ACCOUNT.organization).path:
        assert all(size(found.document) <= 5120 for found in (*value(level.scps), *value(level.rcps)))


def test_aws_managed_policies_have_their_true_texts():
    amazons = [policy for policy in ACCOUNT.policies if policy.aws_managed]
    assert len(amazons) >= 20
    for policy in amazons:
        true_text = managed_policy_document(policy.arn)
        assert true_text is not None
        assert policy.default_version is not None
        assert policy.default_version.document.value == true_text.value


def test_the_caller_is_an_engineer_with_a_group_and_a_key():
    caller = ACCOUNT.by_arn(value(ACCOUNT.caller_arn))
    assert isinstance(caller, User)
    assert "platform-engineers" in caller.groups
    assert [key for key in value(caller.access_keys) if key.status == "Active"]
    assert value(caller.mfa_devices)


def test_nothing_in_it_looks_like_a_secret():
    text = (REPOSITORY / "iamtui" / "sources" / "demo_data" / "puffin-parcel.json").read_text(encoding="utf-8")
    assert not re.search(r'(?i)"(?:secretaccesskey|sessiontoken|password|base32stringseed)":|-----BEGIN', text)
    assert not re.search(r"A(?:KIA|SIA)[A-Z0-9]{9}(?!EXAMPLE)[A-Z0-9]{7}", text)
    assert set(re.findall(r"(?<=[:@])\b\d{12}\b", text)) <= {
        "111122223333", "444455556666", "777788889999", "222233334444", "555566667777", "888899990000",
        "999900001111", "666677778888", "123456789012",
    }  # fmt: skip


def test_reading_it_loads_neither_boto3_nor_moto():
    code = (
        "import sys; from iamtui.sources.demo import load_demo_account, demo_connection;"
        "load_demo_account(); demo_connection();"
        "print(sorted({m.split('.')[0] for m in sys.modules} & {'moto', 'boto3', 'botocore', 'textual'}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[]"


def test_it_is_read_once():
    assert load_demo_account() is ACCOUNT
    assert datetime(2026, 11, 24, tzinfo=UTC) <= (TAKEN_AT or datetime.min.replace(tzinfo=UTC))
