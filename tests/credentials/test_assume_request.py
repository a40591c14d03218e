"""What STS would refuse is named before the call, all of it, one sentence each."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iamtui.credentials.assume_role import AssumeRoleInput, InvalidRequest
from iamtui.credentials.session import AssumeExtras
from iamtui.secret import Secret

GOOD = AssumeRoleInput("arn:aws:iam::123456789012:role/deploy/Deployer", "alice")
SERIAL = "arn:aws:iam::123456789012:mfa/alice"
EXTRAS = set(AssumeExtras.__struct_fields__)


def good_but(change: dict[str, Any]) -> AssumeRoleInput:
    extras = {name: value for name, value in change.items() if name in EXTRAS}
    return replace(
        GOOD,
        extras=AssumeExtras(**extras),
        **{name: value for name, value in change.items() if name not in EXTRAS},
    )


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"session_name": "ab"},
        {"session_name": "a" * 64},
        {"session_name": "Az09_+=,.@-"},
        {"duration_seconds": 900},
        {"duration_seconds": 43200},
        {"external_id": "ab"},
        {"external_id": "Az09_+=,.@:/-" + "x" * 1211},
        {"mfa_serial": SERIAL, "mfa_code": Secret("012345")},
        {"mfa_serial": "GAHT12345678", "mfa_code": Secret("012345")},
        {"role_arn": "arn:aws-us-gov:iam::123456789012:role/a"},
        {"role_arn": "arn:aws-cn:iam::123456789012:role/path/with[brackets]/a"},
        {"policy": "{" + "x" * 2046 + "}"},
        {"policy_arns": ("arn:aws:iam::aws:policy/ReadOnlyAccess", "arn:aws:iam::123456789012:policy/p/q")},
        {"tags": (("Ünït / x", ""), ("a" * 128, "b" * 256)), "transitive_tag_keys": ("ünït / X",)},
        {"source_identity": "alice@example.com"},
    ],
)
def test_what_sts_takes_is_taken(change: dict[str, Any]) -> None:
    assert good_but(change).problems() == ()


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"role_arn": ""}, '"" is not a role ARN; one looks like arn:aws:iam::123456789012:role/NAME.'),
        ({"role_arn": "arn:aws:iam::123456789012:user/alice"}, "is not a role ARN"),
        ({"role_arn": "arn:aws:iam::12345678901:role/Deployer"}, "is not a role ARN"),
        ({"role_arn": "arn:aws:iam::123456789012:role/a\n"}, "is not a role ARN"),
        ({"role_arn": "arn:aws:iam::\u0661\u0662\u0663456789012:role/Deployer"}, "is not a role ARN"),
        ({"role_arn": "arn:aws:iam::123456789012:role/" + "x" * 2048}, "is not a role ARN"),
        ({"session_name": ""}, "The session name is missing."),
        ({"session_name": "a"}, "The session name has 1 character; STS takes 2 to 64."),
        ({"session_name": "a" * 65}, "The session name has 65 characters; STS takes 2 to 64."),
        ({"session_name": "bad name"}, "only ASCII letters, digits and _+=,.@-, and no spaces"),
        ({"session_name": "zoë"}, "only ASCII letters"),
        ({"session_name": "alice\n"}, "only ASCII letters"),
        ({"duration_seconds": 899}, "The duration is 14m59s (899 seconds); STS takes 15m to 12h."),
        ({"duration_seconds": 43201}, "The duration is 12h1s (43,201 seconds)"),
        ({"external_id": "x"}, "The external id has 1 character; STS takes 2 to 1224."),
        ({"external_id": "x" * 1225}, "The external id has 1,225 characters"),
        ({"external_id": "no spaces"}, "The external id may hold only ASCII letters, digits and _+=,.@:/-."),
        ({"mfa_serial": SERIAL}, "The MFA code is missing"),
        ({"mfa_serial": SERIAL, "mfa_code": Secret("")}, "The MFA code is missing"),
        ({"mfa_code": Secret("012345")}, "The MFA device is missing"),
        ({"mfa_serial": "short", "mfa_code": Secret("012345")}, "The MFA device is not a serial number or ARN"),
        ({"mfa_serial": SERIAL, "mfa_code": Secret("12345")}, "The MFA code is exactly six digits."),
        ({"mfa_serial": SERIAL, "mfa_code": Secret("abcdef")}, "The MFA code is exactly six digits."),
        ({"mfa_serial": SERIAL, "mfa_code": Secret("\u0661\u0662\u0663\u0664\u0665\u0666")}, "exactly six digits"),
        ({"policy": "x" * 2049}, "The session policy has 2049 characters; STS takes 2048 at most."),
        ({"policy": "{\u2028}"}, "The session policy may hold only tabs, line ends and characters"),
        ({"policy_arns": ("arn:aws:iam::aws:policy/ReadOnlyAccess",) * 11}, "11 managed session policies are given"),
        ({"policy_arns": ("ReadOnlyAccess",)}, '"ReadOnlyAccess" is not a policy ARN'),
        ({"policy_arns": ("arn:aws:iam::999999999999:policy/p",)}, "is in another account than the role"),
        ({"policy_arns": ("arn:aws-cn:iam::aws:policy/p",)}, "is in another partition than the role"),
        (
            {"policy": "x" * 2000, "policy_arns": ("arn:aws:iam::aws:policy/ReadOnlyAccess",) * 2},
            "The session policies have 2076 characters together; STS takes 2048 at most.",
        ),
        ({"tags": (("k", "v"),), "transitive_tag_keys": ("k", "K")}, 'The transitive tag key "K" is given twice.'),
        ({"tags": (("e\u0301", "v"),)}, "must have 1 to 128 letters"),
        ({"tags": (("", "v"),)}, 'The tag key "" must have 1 to 128'),
        ({"tags": (("k" * 129, "v"),)}, "must have 1 to 128"),
        ({"tags": (("k", "v" * 257),)}, 'The value of the tag "k" must have at most 256'),
        ({"tags": (("k", "semi;colon"),)}, 'The value of the tag "k"'),
        ({"tags": (("AWS:k", "v"),)}, 'must not start with "aws:"'),
        ({"tags": (("Team", "a"), ("team", "b"))}, 'The tag key "team" is given twice'),
        ({"tags": tuple((f"k{i}", "v") for i in range(51))}, "51 session tags are given; STS takes 50 at most."),
        ({"transitive_tag_keys": ("team",)}, 'The transitive tag key "team" is not among the session tags.'),
        ({"source_identity": "a"}, "The source identity has 1 character; STS takes 2 to 256."),
        ({"source_identity": "aws:alice"}, 'must not start with "aws:"'),
        ({"source_identity": "a lice"}, "The source identity may hold only ASCII letters"),
    ],
)
def test_what_sts_refuses_is_named(change: dict[str, Any], sentence: str) -> None:
    problems = good_but(change).problems()
    assert any(sentence in problem.sentence for problem in problems), problems
    assert all(problem.sentence.endswith(".") for problem in problems)


def test_all_problems_are_named_at_once() -> None:
    request = AssumeRoleInput("Deployer", "a b", 60, "x", SERIAL, Secret("1"))
    problems = request.problems()
    assert [problem.input for problem in problems] == ["role", "session name", "duration", "external ID", "MFA code"]
    assert InvalidRequest(problems).sentence == " ".join(problem.sentence for problem in problems)


def test_the_values_of_secrets_are_not_told() -> None:
    request = replace(GOOD, external_id="very secret id", mfa_serial=SERIAL, mfa_code=Secret("98765x"))
    said = str(InvalidRequest(request.problems()))
    assert "very secret" not in said
    assert "98765" not in said
    assert "very secret" not in repr(request)
    assert "98765" not in repr(request)


def test_only_what_is_given_is_sent() -> None:
    assert GOOD.parameters() == {
        "RoleArn": GOOD.role_arn,
        "RoleSessionName": "alice",
        "DurationSeconds": 3600,
    }
    full = replace(
        GOOD,
        external_id="partner-1",
        mfa_serial=SERIAL,
        mfa_code=Secret("012345"),
        extras=AssumeExtras(
            policy="{}",
            policy_arns=("arn:aws:iam::aws:policy/ReadOnlyAccess",),
            tags=(("team", ""),),
            transitive_tag_keys=("team",),
            source_identity="alice",
        ),
    )
    assert full.parameters() == {
        **GOOD.parameters(),
        "ExternalId": "partner-1",
        "SerialNumber": SERIAL,
        "TokenCode": "012345",
        "Policy": "{}",
        "PolicyArns": [{"arn": "arn:aws:iam::aws:policy/ReadOnlyAccess"}],
        "Tags": [{"Key": "team", "Value": ""}],
        "TransitiveTagKeys": ["team"],
        "SourceIdentity": "alice",
    }


@given(st.text(max_size=80), st.integers(-10, 100_000), st.text(max_size=20), st.text(max_size=20), st.text(max_size=8))
def test_no_input_is_a_crash(name: str, seconds: int, external_id: str, serial: str, code: str) -> None:
    request = AssumeRoleInput(name, name, seconds, external_id, serial, Secret(code))
    assert request.problems() != ()
    assert isinstance(request.account, str)
