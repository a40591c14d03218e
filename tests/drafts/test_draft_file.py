"""The file form of a draft: what is written comes back, and what is wrong is said with its path."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iamtui.drafts.aws_values import RCP, SCP
from iamtui.drafts.draft import (
    EDIT_KINDS,
    Draft,
    DraftFormError,
    Edit,
    draft_schema,
    draft_to_json,
    read_draft,
    write_draft,
)
from iamtui.drafts.edits.base import BaseEdit, ascii_document
from iamtui.drafts.edits.organization import PutOrganizationPolicy
from iamtui.drafts.edits.policies import PutInlinePolicy
from iamtui.drafts.edits.principals import AttachPolicy, Tag
from iamtui.policy.document import PolicyDocument, load_json, render
from tests.support.draft_accounts import drafting_account, edits

ACCOUNT = "123456789012"


def file(**changes: Any) -> str:
    return json.dumps({"iamtui_draft": 1, "account_id": ACCOUNT, "edits": [], **changes})


def error(text: str) -> DraftFormError:
    with pytest.raises(DraftFormError) as caught:
        read_draft(text)
    return caught.value


def test_a_draft_is_readable_json() -> None:
    draft = Draft(ACCOUNT, "more", (PutInlinePolicy("arn:x", "extra", '{"Version":"2012-10-17","Statement":[]}'),))
    assert json.loads(write_draft(draft)) == {
        "iamtui_draft": 1,
        "account_id": ACCOUNT,
        "name": "more",
        "edits": [
            {
                "edit": "PutInlinePolicy",
                "holder": "arn:x",
                "name": "extra",
                "document": {"Version": "2012-10-17", "Statement": []},
            }
        ],
    }


@given(name=st.text(max_size=20), made=st.lists(edits(drafting_account()), max_size=6))
def test_drafts_come_back_as_they_were(name: str, made: list[Edit]) -> None:
    draft = Draft(ACCOUNT, name, tuple(made))
    assert read_draft(write_draft(draft)) == draft
    assert write_draft(draft).isascii()


def test_a_document_comes_back_with_its_numbers_as_they_were_written() -> None:
    document = render(load_json('{"Version": "2012-10-17", "Statement": [], "n": [0.10000000000000000555, 1e3]}'))
    draft = Draft(ACCOUNT, "", (PutInlinePolicy("arn:x", "extra", document),))
    assert "0.10000000000000000555,\n" in write_draft(draft)
    assert read_draft(write_draft(draft)) == draft
    assert "0.10000000000000000555,\n" in ascii_document(document)


ANY_TEXT = st.text(st.characters(codec=None), max_size=30)


@given(data=st.data(), kind=st.sampled_from([*EDIT_KINDS.values()]))
def test_edits_with_any_texts_come_back(data: st.DataObject, kind: type[Any]) -> None:
    values = {field: data.draw(ANY_TEXT, label=field) for field in kind.__struct_fields__}
    if "tags" in values:
        values["tags"] = tuple(Tag(key, key) for key in values["tags"])
    if "type" in values:
        values["type"] = "SERVICE_CONTROL_POLICY"
    draft = Draft(ACCOUNT, "", (kind(**values),))
    back = read_draft(write_draft(draft))
    if PolicyDocument(values.get("document", "")).source_text == values.get("document", ""):
        try:
            found = json.loads(values.get("document", ""))
        except ValueError:
            found = None
        if isinstance(found, dict):
            values["document"] = render(found)
            draft = Draft(ACCOUNT, "", (kind(**values),))
        assert back == draft


def test_an_unfinished_document_is_kept_as_text() -> None:
    draft = Draft(ACCOUNT, "", (PutInlinePolicy("arn:x", "n", '{"Version": '), PutInlinePolicy("arn:x", "n", "[1]")))
    assert [edit["document"] for edit in draft_to_json(draft)["edits"]] == ['{"Version": ', "[1]"]
    assert read_draft(write_draft(draft)) == draft


GOOD = {"edit": "AttachPolicy", "holder": "a", "policy": "b"}


@pytest.mark.parametrize(
    ("text", "path", "words"),
    [
        ("", "$", "Empty, and JSON is expected"),
        ("[]", "$", "no draft"),
        ('{"UserDetailList": []}', "$", "no draft"),
        ('{"iamtui_draft": "1"}', "$.iamtui_draft", "expected 1"),
        ('{"iamtui_draft": true}', "$.iamtui_draft", "expected 1"),
        ('{"iamtui_draft": 2}', "$.iamtui_draft", "newer"),
        ('{"iamtui_draft": 1, "edits": []}', "$.account_id", "missing, expected 12 digits"),
        (file(account_id=123456789012), "$.account_id", "found the number 123456789012"),
        (file(account_id="1"), "$.account_id", "expected 12 digits"),
        (file(edits={}), "$.edits", "found an object, expected a list of edits"),
        (file(edits=[{}] * 5001), "$.edits", "found 5,001 edits, expected at most 5,000"),
        (file(name=1), "$.name", "expected a text"),
        (file(nmae="x"), "$.nmae", 'did you mean "name"'),
        (file(edits=["x"]), "$.edits[0]", 'found the text "x"'),
        (file(edits=[{}]), "$.edits[0].edit", "missing, expected a kind of edit"),
        (file(edits=[{"edit": 1}]), "$.edits[0].edit", "found the number 1"),
        (
            file(edits=[GOOD, GOOD, {**GOOD, "policy": 3}]),
            "$.edits[2].policy",
            "found the number 3, expected the ARN of a managed policy",
        ),
        (file(edits=[{"edit": "AttachPolicy", "holder": "a"}]), "$.edits[0].policy", "missing, expected the ARN"),
        (
            file(edits=[{**GOOD, "polcy": 1}]),
            "$.edits[0].polcy",
            'unknown key, did you mean "policy"',
        ),
        (
            file(edits=[{"edit": "PutInlinePolicy", "holder": "a", "name": "b", "document": 3}]),
            "$.edits[0].document",
            "expected a policy document",
        ),
        (
            file(edits=[{"edit": "PutOrganizationPolicy", "type": "SCP"}]),
            "$.edits[0].type",
            '"SERVICE_CONTROL_POLICY" or "RESOURCE_CONTROL_POLICY"',
        ),
        (file(edits=[{**GOOD, "\ud800": 1}]), '$.edits[0]["\\ud800"]', ""),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_with_its_path(text: str, path: str, words: str) -> None:
    found = error(text)
    assert found.path == path
    assert words in found.message
    assert found.sentence.startswith(path)
    assert found.sentence.isprintable()


def test_an_unknown_kind_of_edit_lists_the_known_ones() -> None:
    found = error(file(edits=[{"edit": "AtachPolicy"}]))
    assert 'did you mean "AttachPolicy"?' in found.message
    assert all(kind in found.message for kind in EDIT_KINDS)


@pytest.mark.parametrize("kind", EDIT_KINDS.values(), ids=EDIT_KINDS)
def test_every_kind_of_edit_declares_all_that_is_asked_of_it(kind: type[BaseEdit]) -> None:
    puts = "document" in kind.__struct_fields__
    of_kind = ("document_title", "diff_path", "replaced") if puts else ("changes_nothing",)
    assert kind.says
    assert hasattr(kind, "subject_parts") or kind.subject is not BaseEdit.subject
    for name in ("apply", "aws_cli", "terraform", *of_kind):
        assert getattr(kind, name) is not getattr(BaseEdit, name), name
    assert kind.commands
    assert kind.cli_phase in range(7)


def test_every_kind_of_edit_is_known() -> None:
    def below(kind: type[BaseEdit]) -> set[str]:
        found = {name for sub in kind.__subclasses__() for name in below(sub)}
        return found or {kind.__name__}

    assert below(BaseEdit) == set(EDIT_KINDS)


def test_what_is_no_draft_at_all_is_told_from_a_faulty_one() -> None:
    assert error('{"Version": "2012-10-17"}').foreign
    assert not error(file(edits=[{}])).foreign


def test_the_schema_knows_every_kind_and_is_json() -> None:
    schema = draft_schema()
    assert json.loads(json.dumps(schema)) == schema
    tags = {
        form["properties"]["edit"]["enum"][0]
        for form in schema["$defs"].values()
        if "edit" in form.get("properties", {})
    }
    assert tags == set(EDIT_KINDS)
    assert schema["$defs"]["PutOrganizationPolicy"]["properties"]["type"]["enum"] == [SCP, RCP]
    assert schema["$defs"]["PutInlinePolicy"]["properties"]["document"]["type"] == ["object", "string"]
    assert set(schema["$defs"]["Draft"]["required"]) == {"iamtui_draft", "account_id", "edits"}
    draft = Draft(
        ACCOUNT, "", (AttachPolicy("a", "b"), PutOrganizationPolicy("SERVICE_CONTROL_POLICY", "r", "n", "{}"))
    )
    written = draft_to_json(draft)
    for made in written["edits"]:
        form = schema["$defs"][made["edit"]]
        assert set(form["required"]) == set(made)
