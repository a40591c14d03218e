"""Findings: documents and the codes they must give, and nothing else."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iamtui.catalog.actions import catalogue
from iamtui.lint.check_document import DocumentKind, finding_to_json, findings, guess_kind
from iamtui.lint.subject import Finding, Level
from iamtui.policy.document import PolicyDocument
from iamtui.sources.managed_policies import managed_policy_arns, managed_policy_document
from tests.lint.finding_cases.actions_and_resources import ACTIONS_AND_RESOURCES
from tests.lint.finding_cases.conditions import CONDITIONS
from tests.lint.finding_cases.documents import OBJECT, A, Case, allow, document, trust
from tests.lint.finding_cases.elements import ELEMENTS
from tests.lint.finding_cases.no_alarms import NO_ALARMS
from tests.lint.finding_cases.principals import PRINCIPALS

CASES: list[Case] = [*ELEMENTS, *ACTIONS_AND_RESOURCES, *CONDITIONS, *PRINCIPALS, *NO_ALARMS]


def look(value: Any, kind: str = "identity", **options: Any) -> tuple[Finding, ...]:
    return findings(PolicyDocument.of(value), DocumentKind(kind), **options)


def codes(value: Any, kind: str = "identity", **options: Any) -> list[str]:
    return sorted({f"{finding.level.value}:{finding.code}" for finding in look(value, kind, **options)})


@pytest.mark.parametrize(("value", "kind", "expected"), [pytest.param(*case[1:], id=case[0]) for case in CASES])
def test_codes(value: Any, kind: str, expected: list[str]) -> None:
    assert codes(value, kind) == sorted(expected)


@pytest.mark.parametrize("case", CASES, ids=[case[0] for case in CASES])
def test_every_finding_is_one_printed_sentence_with_a_place(case: Case) -> None:
    document = PolicyDocument.of(case[1])
    lines = document.text.count("\n") + 1
    for finding in findings(document, DocumentKind(case[2])):
        assert finding.message.rstrip('?"').endswith((".", "POLICY", ":...")) or finding.message.endswith("?")
        assert "\n" not in finding.message
        assert finding.lines is not None, finding
        assert 1 <= finding.lines[0] <= finding.lines[1] <= lines
        json.dumps(finding_to_json(finding))


TEXT = """{ "Version": "2012-10-17",
  "Statement": [ { "Effect": "Allow", "Action": "s3:GetObject", "Resource": "*" },
    { "Effect": "Allow",
      "Action": ["s3:GetObject",
                 "s3:GetObjct"], "Resource": "*" } ] }
"""


def test_lines_of_the_canonical_text_and_of_the_text_as_given() -> None:
    document = PolicyDocument(TEXT)
    [finding] = findings(document, DocumentKind.IDENTITY)
    assert finding.path == "$.Statement[1].Action[1]"
    assert finding.statement == 1
    assert finding.lines is not None
    assert "GetObjct" in document.text.split("\n")[finding.lines[0] - 1]
    assert finding.source_line == 5
    assert 'Did you mean "s3:GetObject"?' in finding.message


@pytest.mark.parametrize(
    ("text", "code", "path", "line"),
    [
        ("", "not-json", "$", 1),
        ('{\n"Statement": }', "not-json", "$", 2),
        ('{"Statement":\n[{"Effect": "Allow",\n"Action": 5}]}', "unreadable", "$.Statement[0].Action", 3),
        ('{\n"Version": "2012-10-17"}', "unreadable", "$", 1),
        ('{"Statement": [\n{"Action": "*"}]}', "unreadable", "$.Statement[0].Effect", None),
        ("[]", "unreadable", "$", 1),
    ],
)
def test_an_unreadable_document_is_one_error(text: str, code: str, path: str, line: int | None) -> None:
    [finding] = findings(PolicyDocument(text), DocumentKind.IDENTITY)
    assert (finding.level, finding.code, finding.path, finding.source_line) == (Level.ERROR, code, path, line)


def test_a_hostile_list_has_a_bounded_number_of_errors() -> None:
    text = json.dumps({"Statement": [5] * 20_000})
    assert len(findings(PolicyDocument(text), DocumentKind.IDENTITY)) == 1_000


def test_an_unreadable_document_names_every_error() -> None:
    text = json.dumps(
        {
            "Version": 7,
            "Statement": [
                {"Effect": "allow", "Action": 5, "Resource": [1], "Condition": {"Bool": 3}},
                "no statement",
                {"Effect": "Allow", "Action": "s3:*", "NotAction": "s3:*", "Resource": "*", "Principal": []},
                {"Sid": 1, "Resource": "*"},
            ],
        }
    )
    found = findings(PolicyDocument(text), DocumentKind.IDENTITY)
    assert [one.path for one in found] == [
        "$.Version",
        "$.Statement[0].Effect", "$.Statement[0].Action", "$.Statement[0].Resource[0]", "$.Statement[0].Condition.Bool",
        "$.Statement[1]",
        "$.Statement[2]", "$.Statement[2].Principal",
        "$.Statement[3].Effect", "$.Statement[3].Sid", "$.Statement[3]",
    ]  # fmt: skip
    single = findings(PolicyDocument('{"Id": 1, "Statement": {"Effect": "x", "Sid": 2}}'), DocumentKind.IDENTITY)
    assert [one.path for one in single] == ["$.Id", "$.Statement.Effect", "$.Statement.Sid", "$.Statement"]


def test_the_worst_comes_first() -> None:
    found = look(document(allow(Action=["s3:GetObject", "s3:GetObject", "s3:Nope"]), Sid=[], version=None))
    ranks = [finding.level.rank for finding in found]
    assert ranks == sorted(ranks)
    assert ranks[0] == 0


def test_the_own_account_is_no_third_party() -> None:
    value = document(trust(Principal={"AWS": A}))
    assert codes(value, "trust", account=A) == []
    assert codes(value, "trust", account="222222222222") == ["warning:third-party-without-external-id"]


def test_what_is_repeated_is_one_finding_with_a_count() -> None:
    def repeated(*actions: str) -> dict[str, Finding]:
        found = [
            finding
            for finding in look(document(allow(Action=list(actions), Resource="*")))
            if "large" not in finding.code
        ]
        assert len(found) == len({finding.code for finding in found})
        return {finding.code: finding for finding in found}

    [finding] = repeated(*["s3:GetObject"] * 900).values()
    assert (finding.code, finding.aws_code, finding.count) == ("redundant-action", "REDUNDANT_ACTION", 899)
    assert "is listed 900 times" in finding.message
    finding = repeated("s3:*", *catalogue().actions_of("s3")[:100])["redundant-action"]
    assert finding.count == 100
    assert "and 97 more are already covered by" in finding.message
    counts = {code: finding.count for code, finding in repeated(*["s3:Nope"] * 900).items()}
    assert counts == {"unknown-action": 900, "redundant-action": 899}


def test_a_redundant_resource_names_what_covers_it() -> None:
    [finding] = look(document(allow(Resource=[OBJECT, "arn:aws:s3:::b/x", "arn:aws:s3:::b/y?", "arn:aws:s3:::c/*"])))
    assert finding.path == "$.Statement[0].Resource[1]"
    assert finding.count == 2
    assert (
        finding.message
        == f'"arn:aws:s3:::b/x", "arn:aws:s3:::b/y?" are already covered by "{OBJECT}"; keep one or the other.'
    )


def padded(size: int) -> dict[str, Any]:
    """A document whose size without white space is `size`."""
    value = document(allow())
    rest = size - len(json.dumps(value, separators=(",", ":")))
    return document(allow(Resource=OBJECT + "x" * rest))


@pytest.mark.parametrize(
    ("kind", "size", "expected"),
    [
        ("identity", 6_144, []),
        ("identity", 6_145, ["suggestion:large"]),
        ("identity", 10_241, ["error:too-large"]),
        ("boundary", 6_145, ["error:too-large"]),
        ("session", 2_049, ["warning:large"]),
        ("scp", 10_241, ["warning:large"]),
        ("scp", 9_000, []),
    ],
)
def test_sizes(kind: str, size: int, expected: list[str]) -> None:
    assert codes(padded(size), kind) == expected


@pytest.mark.parametrize(
    ("kind", "service", "size", "expected"),
    [
        ("resource", "s3", 20 * 1024 + 1, ["error:too-large"]),
        ("resource", "kms", 20 * 1024 + 1, []),
        ("resource", "kms", 32 * 1024 + 1, ["error:too-large"]),
        ("vpc_endpoint", "s3", 20_481, ["error:too-large"]),
    ],
)
def test_sizes_of_policies_on_resources(kind: str, service: str, size: int, expected: list[str]) -> None:
    statement = {"Effect": "Deny", "Principal": "*", "Action": f"{service}:*", "Resource": "*", "Sid": "s" * size}
    assert codes(document(statement), kind) == expected


def test_white_space_counts_for_organizations_only() -> None:
    value = document(allow(Effect="Deny", Principal="*", Action="s3:*", Resource="*"))
    text = json.dumps(value) + " " * 6_000
    assert [f.code for f in findings(PolicyDocument(text), DocumentKind.RCP)] == ["large"]
    assert [
        f.code for f in findings(PolicyDocument(json.dumps(document(allow())) + " " * 7_000), DocumentKind.SESSION)
    ] == []


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (document(allow()), DocumentKind.IDENTITY),
        (document(trust()), DocumentKind.TRUST),
        (document(allow(Principal="*")), DocumentKind.RESOURCE),
        (document(trust(Resource="*")), DocumentKind.RESOURCE),
        ("no json", DocumentKind.IDENTITY),
    ],
)
def test_guess_kind(value: Any, kind: DocumentKind) -> None:
    assert guess_kind(PolicyDocument.of(value)) is kind


STRUCTURAL = {
    "unknown-version", "unknown-element", "no-statements", "duplicate-sid", "sid-characters", "id-not-allowed",
    "principal-not-allowed", "missing-resource", "empty-element", "action-format", "unknown-partition", "short-arn",
    "account-format", "unknown-region", "region-not-allowed", "unknown-operator", "operator-case", "key-format",
    "repeated-key", "value-type", "several-booleans", "not-json", "unreadable", "variable-not-supported",
}  # fmt: skip


@pytest.mark.slow
def test_policies_of_aws_itself_have_no_structural_error() -> None:
    for arn in managed_policy_arns()[::7]:
        policy = managed_policy_document(arn)
        assert policy is not None
        found = {finding.code for finding in findings(policy, DocumentKind.IDENTITY) if finding.level is Level.ERROR}
        assert not found & STRUCTURAL, arn


words = st.sampled_from(
    ["*", "s3:*", "s3:GetObject", "", "a b", "${aws:username}", "${", "arn:aws:s3:::b/*", "arn:aws", "arn:a:b:c:d:e",
     A, "aws:SourceIp", "true", "10.0.0.0/8", "StringEquals", "ForAllValues:Bool", "AWS", "Service", "\ud800", "\x00"]
) | st.text(max_size=6)  # fmt: skip
names = st.sampled_from(
    ["Version", "Id", "Statement", "Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource",
     "NotResource", "Condition", "AWS", "Federated", "StringLike", "Bool", "aws:TagKeys"]
) | words  # fmt: skip
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=4),
    max_leaves=12,
)
texts = words | st.lists(words, max_size=3)
conditions = st.dictionaries(
    words, st.dictionaries(words, texts | st.booleans() | st.integers(), max_size=2), max_size=2
)
statements = st.fixed_dictionaries(
    {"Effect": st.sampled_from(["Allow", "Deny"])},
    optional={
        "Sid": words,
        "Principal": words | st.dictionaries(words, texts, max_size=2),
        "Action": texts,
        "Resource": texts,
        "NotResource": texts,
        "Condition": conditions,
        "Other": anything,
    },
)
policies = st.fixed_dictionaries(
    {"Statement": statements | st.lists(statements, max_size=3)},
    optional={"Version": words, "Id": words, "X": anything},
)
kinds = st.sampled_from(DocumentKind)


@pytest.mark.slow
@given(anything | policies, kinds)
def test_any_json_gives_findings_and_never_raises(value: Any, kind: DocumentKind) -> None:
    for finding in findings(PolicyDocument(json.dumps(value)), kind):
        assert finding.path.startswith("$")


@given(st.text(max_size=40), kinds)
def test_any_text_gives_findings_and_never_raises(text: str, kind: DocumentKind) -> None:
    document = PolicyDocument(text)
    found = findings(document, kind)
    assert document.error is None or len(found) == 1


def test_statements_that_can_be_read_are_checked_beside_those_that_cannot() -> None:
    text = """{"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": "s3:GetObjekt", "Resource": "*"},
        {"Effect": "Alow", "Action": "s3:GetObject", "Resource": "*"},
        {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3"}
    ]}"""
    found = findings(PolicyDocument(text), DocumentKind.IDENTITY)
    assert [(one.code, one.path, one.source_line) for one in found] == [
        ("unreadable", "$.Statement[1].Effect", 3),
        ("unknown-action", "$.Statement[0].Action", 2),
        ("short-arn", "$.Statement[2].Resource", 4),
    ]


@pytest.mark.parametrize(("version", "is_a_variable"), [("2008-10-17", False), ("2012-10-17", True)])
def test_statements_beside_an_unreadable_one_are_read_by_their_version(version: str, is_a_variable: bool) -> None:
    resource = "arn:aws:s3:::home/${aws:nosuchkey}"
    statements = [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": resource}, {"Effect": "Alow"}]
    found = findings(PolicyDocument.of({"Version": version, "Statement": statements}), DocumentKind.IDENTITY)
    messages = [one.code for one in found if one.path.startswith("$.Statement[0]")]
    whole = PolicyDocument.of({"Version": version, "Statement": statements[:1]})
    assert messages == [one.code for one in findings(whole, DocumentKind.IDENTITY) if one.statement == 0]
    assert ("unknown-variable" in messages) is is_a_variable
