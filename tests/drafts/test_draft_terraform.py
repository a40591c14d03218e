"""A draft as Terraform: what is written comes back when it is read."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iamtui.drafts.edits.base import Names, json_heredoc, quoted
from iamtui.drafts.edits.policies import PutInlinePolicy, PutManagedPolicy, PutResourcePolicy
from iamtui.drafts.edits.principals import (
    AddUserToGroup,
    AttachPolicy,
    DeletePermissionsBoundary,
    PutPermissionsBoundary,
)
from iamtui.drafts.exports import export
from tests.support.draft_exports import MANAGEMENT, POLICY, RESOURCES, account, draft, exported, organization_edits
from tests.support.sample_account import ADMIN_ARN, ID, LAKE_READ, iam

DEPLOY, ALICE, BOB = iam("role/deploy-prod"), iam("user/alice"), iam("user/data/bob")


def read_template(text: str) -> str:
    """What Terraform reads from a template without interpolations (Terraform Language: Strings and Templates)."""
    out, at = "", 0
    while at < len(text):
        if text[at : at + 3] in ("$${", "%%{"):
            # Of a longer row of marks it is not documented which pair is the escape: none may be written.
            assert at == 0 or text[at - 1] not in "$%"
            out, at = out + text[at + 1 : at + 3], at + 3
        else:
            assert text[at : at + 2] not in ("${", "%{"), "a template begins"
            out, at = out + text[at], at + 1
    return out


def read_quoted(text: str) -> str:
    assert text[0] == text[-1] == '"'
    inner = read_template(text[1:-1])
    known = {"n": "\n", "r": "\r", "t": "\t", '"': '"', "\\": "\\"}

    def escape(match: re.Match[str]) -> str:
        word = match.group(1)
        return known[word] if word in known else chr(int(word[1:], 16))

    assert re.sub(r"\\(U[0-9A-F]{8}|u[0-9A-Fa-f]{4}|.)", "", inner).count('"') == 0
    return re.sub(r"\\(U[0-9A-F]{8}|u[0-9A-Fa-f]{4}|.)", escape, inner)


@given(st.text(st.characters(exclude_categories=["Cs"])) | st.text('$%{}"\\a', max_size=12))
def test_quoted_strings_come_back(text: str) -> None:
    assert read_quoted(quoted(text)) == text


@given(st.text('$%{}"\\a\n', max_size=20) | st.text())
def test_documents_come_back(text: str) -> None:
    written = json.dumps({"Sid": text}, indent=2)
    first, *rows, last = json_heredoc(written)
    assert first == "<<POLICY"
    assert last == "POLICY"
    assert "POLICY" not in rows
    assert json.loads(read_template("\n".join(rows))) == {"Sid": text}


def documents_in(text: str) -> Iterator[object]:
    for found in re.finditer(r"<<POLICY\n(.*?)\nPOLICY\n", text, re.DOTALL):
        yield json.loads(read_template(found.group(1)))


def test_names_are_valid_and_no_two_the_same() -> None:
    names = Names()
    given_names = [names.name("t", part) for part in ("a.b", "a@b", "1st", "", "ü", "A_B", "a_b")]
    assert len({name.lower() for name in given_names}) == len(given_names)
    assert all(re.fullmatch(r"[A-Za-z_][A-Za-z0-9_-]*", name) for name in given_names)


def test_terraform_has_a_resource_for_each_change() -> None:
    text = exported(
        "terraform",
        PutManagedPolicy(iam("policy/team/new"), POLICY),
        AttachPolicy(ALICE, iam("policy/team/new")),
        AttachPolicy(BOB, ADMIN_ARN),
        PutManagedPolicy(LAKE_READ.arn, POLICY),
        PutInlinePolicy(DEPLOY, "deploy", POLICY),
        AddUserToGroup(BOB, iam("group/admins")),
        AddUserToGroup(BOB, iam("group/auditors")),
        *organization_edits(),
    )
    assert 'user       = "alice"\n  policy_arn = aws_iam_policy.new.arn' in text
    assert f'policy_arn = "{ADMIN_ARN}"' in text
    assert f'import {{\n  to = aws_iam_policy.data-lake-read\n  id = "{LAKE_READ.arn}"\n}}' in text
    assert 'description = "Read the data lake"' in text
    assert 'tags        = { "team" = "data" }' in text
    assert 'import {\n  to = aws_iam_role_policy.deploy-prod_deploy\n  id = "deploy-prod:deploy"\n}' in text
    assert 'groups = ["admins", "auditors"]' in text
    assert "policy_id = aws_organizations_policy.no_root_it_s.id" in text
    assert f"account {MANAGEMENT}" in text
    assert "# Detach regions from ou-ab12-x" in text
    assert "terraform import aws_organizations_policy_attachment.regions_ou-ab12-x ou-ab12-x:p-regions" in text
    assert all(found == json.loads(POLICY) for found in documents_in(text))
    assert len([*documents_in(text)]) == 5


def test_terraform_keeps_what_a_role_has_besides() -> None:
    text = exported("terraform", PutPermissionsBoundary(DEPLOY, LAKE_READ.arn))
    assert 'import {\n  to = aws_iam_role.deploy-prod\n  id = "deploy-prod"\n}' in text
    assert f'permissions_boundary = "{LAKE_READ.arn}"' in text
    assert "max_session_duration = 7200" in text
    assert 'description          = "Deploys to production"' in text
    assert [*documents_in(text)] == [account().role("deploy-prod").trust.value]  # type: ignore[union-attr]
    unknown = exported("terraform", DeletePermissionsBoundary(BOB))
    assert "permissions_boundary is gone" in unknown
    assert "permissions_boundary =" not in unknown


@pytest.mark.parametrize("arn", [*RESOURCES, f"arn:aws:sqs:eu-west-1:{ID}:q"])
def test_terraform_writes_the_policy_of_a_resource(arn: str) -> None:
    before = account()
    text = export(draft(PutResourcePolicy(arn, POLICY)), before, before, "terraform")
    assert [*documents_in(text)] == [json.loads(POLICY)]
    assert ("import {" in text) is (":kms:" in arn)
