"""Redacted snapshots: nothing of the original remains, and every answer is the same under the renaming."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import fields, is_dataclass, replace
from importlib import resources
from ipaddress import ip_address, ip_network
from itertools import product
from random import Random
from typing import Any
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from iamtui.account.authorization_details import load_account
from iamtui.account.model import ORGANIZATION_GAP, REST_OF_ACCOUNT, UNLISTED, Account, Known
from iamtui.account.redaction import LEFT_OUT, UNREADABLE, Rename, redact
from iamtui.account.snapshot_writer import snapshot_of
from iamtui.catalog.tables import UNIQUE_ID_PREFIXES
from iamtui.engine.decision import Decision
from iamtui.engine.request import Principal
from iamtui.policy.patterns import Glob, parse_pieces, tokens_of
from iamtui.questions.account_index import account_index
from iamtui.questions.evaluator import QuestionEvaluator
from iamtui.questions.question import Question
from iamtui.sources.demo import load_demo_account
from iamtui.workspace.ask.trust import who_may_assume
from iamtui.workspace.review.audit import audit
from iamtui.workspace.review.escalations import find_escalations
from iamtui.workspace.source.snapshot_file import is_name_of_aws, redacted_bytes, types_of_resources
from iamtui.workspace.source.workspace import SourceInfo, SourceKind, Workspace
from tests.questions.random_accounts import AccountMaker, QuestionMaker, callers
from tests.questions.vocabulary import NOON
from tests.support.slow import one_quick
from tests.support.snapshot_builder import ID, allow, complete, document, iam, inline, role, snapshot, trust, user


def is_known(name: str) -> bool:
    """The catalogue, and the service that random accounts have beside AWS's."""
    return name.partition(":")[0] in ("custom", "x") or is_name_of_aws(name)


def redacted(given: dict[str, Any], seed: int = 1) -> tuple[dict[str, Any], Rename]:
    """The redacted snapshot, as it is read again from its bytes, and the renaming."""
    made = redact(given, types_of_resources(), is_known, Random(seed))
    return json.loads(json.dumps(made.snapshot)), made.rename


def left_out(given: dict[str, Any]) -> tuple[str, ...]:
    """What the redaction leaves out; its file can be read, and lists as much."""
    made = redact(given, types_of_resources(), is_known, Random(1))
    account = account_of(json.loads(json.dumps(made.snapshot)))
    assert sum(gap.what.endswith(f", {LEFT_OUT}") for gap in account.gaps) == len(made.left_out)
    return made.left_out


def account_of(made: dict[str, Any]) -> Account:
    return load_account(json.dumps(made).encode())


def renamed(principal: Principal, rename: Rename) -> Principal:
    texts = {
        name: rename(value)
        for name in ("arn", "account", "role_arn", "unique_id", "issuer")
        if (value := getattr(principal, name, None))
    }
    return replace(principal, **texts)  # type: ignore[arg-type]


def as_it_is(text: str) -> str:
    return text


def told(decision: Decision, rename: Rename = as_it_is) -> tuple[object, ...]:
    return (
        decision.outcome,
        decision.resource_scope,
        decision.complete,
        decision.blocked_by,
        [rename(text) for text in decision.allowed_resources],
        [rename(text) for text in decision.denied_resources],
    )


# Answers stay the same.


DENIALS = {"explicitDeny", "implicitDeny"}


@pytest.mark.slow
def test_answers_over_random_accounts_stay_the_same() -> None:
    counts: Counter[str] = Counter()
    for seed in range(40):
        random = Random(seed)
        maker = AccountMaker(random)
        text = json.dumps(snapshot_of(maker.account())).replace('"ou-1"', '"ou-1-1"')
        # What AWS lacks is left out, so that few accounts would be whole.
        for lacking, known in (("sts:*s", "sts:*"), ("noprefix", "aws:username"), ("StringSame", "StringEquals")):
            text = text.replace(f'"{lacking}"', f'"{known}"')
        account = load_account(text.encode())
        made, rename = redacted(snapshot_of(account), seed)
        unread = LEFT_OUT in json.dumps(made)
        counts["with one left out"] += unread
        other = account_of(made)
        questions = QuestionMaker(random, maker.services)
        for question in (questions.question() for _ in range(10)):
            if question.session_policies or question.scope_downs or question.context:
                continue
            owner = question.resource_account
            asked = replace(question, resource=rename(question.resource), resource_account=owner and rename(owner))
            before, after = QuestionEvaluator(account, question, NOON), QuestionEvaluator(other, asked, NOON)
            for principal in callers(account):
                expected = before.decide(principal)
                found = after.decide(renamed(principal, rename))
                counts["open" if unread and found.outcome == "depends" else expected.outcome] += 1
                if unread and found.outcome != expected.outcome:
                    # What is left out may have allowed or denied; it makes nothing allowed.
                    assert found.outcome == "depends" or {found.outcome, expected.outcome} == DENIALS, (seed, question)
                    continue
                assert found.outcome == expected.outcome
                assert unread or told(found) == told(expected, rename), (seed, question)
    assert 0 < counts["with one left out"] < 25
    assert all(counts[outcome] > 100 for outcome in ("allowed", "explicitDeny", "implicitDeny", "depends"))


DEMO = load_demo_account()


@pytest.fixture(scope="module")
def demo() -> tuple[Account, Rename]:
    made, rename = redacted(snapshot_of(DEMO))
    return account_of(made), rename


def workspace(account: Account) -> Workspace:
    return Workspace(account, SourceInfo(SourceKind.SNAPSHOT, "x", "eu-west-1", taken_at=account.taken_at))


def demo_questions() -> Iterator[Question]:
    """Questions about everything that the demo's policies name, by the actions that they name with it."""
    documents = [policy.document for policy in DEMO.resource_policies.values() if policy.document is not None]
    for entity in (*DEMO.users, *DEMO.groups, *DEMO.roles):
        documents += [policy.document for policy in entity.inline_policies]
    documents += [policy.default_version.document for policy in DEMO.policies if policy.default_version]
    asked = {}
    for one in documents:
        for statement in one.policy.statements:
            for action, resource in product((statement.actions or ())[:2], (statement.resources or ())[:2]):
                if not set("*?") & set(action):
                    asked[action, re.sub(r"\$\{[^}]*\}", "maya.okafor", resource)] = None
    for action, resource in list(asked)[::3]:
        yield Question(action, resource, region="eu-west-1")
        yield Question(action, resource.replace("*", "x"), region="eu-west-1")


@pytest.mark.slow
def test_answers_over_the_demo_stay_the_same(demo: tuple[Account, Rename]) -> None:
    other, rename = demo
    outcomes: Counter[str] = Counter()
    for question in demo_questions():
        asked = replace(question, resource=rename(question.resource))
        before, after = QuestionEvaluator(DEMO, question, NOON), QuestionEvaluator(other, asked, NOON)
        for principal in [one.principal for one in account_index(DEMO).principals][::4]:
            expected = before.decide(principal)
            assert told(after.decide(renamed(principal, rename))) == told(expected, rename), (question, principal)
            outcomes[expected.outcome] += 1
    assert all(outcomes[outcome] > 50 for outcome in ("allowed", "explicitDeny", "implicitDeny", "depends")), outcomes


@pytest.mark.slow
def test_reports_over_the_demo_stay_the_same(demo: tuple[Account, Rename]) -> None:
    other, rename = demo
    before, after = find_escalations(workspace(DEMO)), find_escalations(workspace(other))
    assert [rename(one.arn) for one in before.administrators] == [one.arn for one in after.administrators]
    ways = [
        Counter((name(one.principal.arn), one.certain, *(move.path.id for move in one.moves)) for one in report)
        for report, name in ((before.escalations, rename), (after.escalations, as_it_is))
    ]
    assert ways[0] == ways[1]
    assert len(ways[0]) > 20
    found = [
        Counter((one.code, one.severity, name(one.subject)) for one in audit(workspace(account)))
        for account, name in ((DEMO, rename), (other, as_it_is))
    ]
    assert found[0] == found[1]
    assert len(found[0]) > 100
    for name in ("deploy-prod", "ops-readonly", "analytics-lake-reader"):
        first, second = DEMO.role(name), other.role(rename(name))
        assert first is not None
        assert second is not None
        edges = [
            {(name(edge.name), edge.action, edge.decision.outcome) for edge in who_may_assume(workspace(account), one)}
            for account, one, name in ((DEMO, first, rename), (other, second, as_it_is))
        ]
        assert edges[0] == edges[1]


# Nothing of the original remains.


def originals(account: Account) -> Iterator[str]:
    """Whatever tells whose account it is: ids, ARNs, names, tags, addresses."""
    yield account.id
    for record in (account, *account.entities(), *account.last_accessed.values()):
        for one in fields(record) if is_dataclass(record) else ():
            yield from told_by(getattr(record, one.name))
    for entity in account.entities():
        yield from (entity.arn, entity.name)
    for arn, policy in account.resource_policies.items():
        yield arn
        yield from told_by(policy.document.value if policy.document is not None else "")
    yield from account.kms_aliases
    yield from account.public_access_blocks


def told_by(value: Any) -> Iterator[str]:
    if isinstance(value, Known):
        value = value.value
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, entry in value.items():
            if key not in ("Action", "NotAction", "Version", "Effect", "Service", "Condition"):
                yield from told_by(entry)
    elif isinstance(value, tuple | list):
        for one in value:
            yield from told_by(one)


@pytest.mark.parametrize("given", ["demo", "complete"])
def test_nothing_of_the_original_remains_in_the_bytes(given: str) -> None:
    account = DEMO if given == "demo" else load_account(json.dumps(complete()).encode())
    data = redacted_bytes(account)[0].decode().lower()
    # A role may be called as the service is that assumes it.
    data = re.sub(r'"[\w-]+\.amazonaws\.com"', "", data)
    _, rename = redacted(snapshot_of(account))
    telling = {text for text in originals(account) if len(text) > 3 and not text.startswith("arn:aws:iam::aws:")}
    gone = 0
    for text in telling:
        if rename(text) == text:
            # AWS's own words and nothing else.
            assert not re.search(r"\d{12}|@", text), text
            continue
        for form in {text, quote(text, safe=""), quote_plus(text), json.dumps(text)[1:-1], quote(quote(text))}:
            if len(re.findall(r"\w+", form)) > 1:
                assert form.lower() not in data, text
                gone += 1
    assert gone > (1500 if given == "demo" else 40)
    of_aws = {policy.id for policy in account.policies if policy.aws_managed}
    ids = {text for text in telling if re.fullmatch(r"A[A-Z]{3}[A-Z0-9]{12,}", text)} - of_aws
    assert not [one for one in ids if one.lower() in data]
    for name in ("puffin", "okafor", "brennan", "acme", "111122223333", "123456789012", "alice"):
        # As a whole word: made-up ids and names are random letters, such as AIDALICE...
        assert not re.search(rf"(?<![a-z0-9]){name}(?![a-z0-9])", data), name


@one_quick("form", ["zorblat", "zorblat-{}", "{}zorblat", "{}/zorblat", "{}:zorblat", "zorblat.{}"])
@pytest.mark.parametrize("given", ["demo", "complete"])
def test_no_identifying_word_remains_whatever_field_holds_it(given: str, form: str) -> None:
    def planted(value: Any, key: str = "") -> Any:
        if isinstance(value, dict):
            return {name: planted(entry, name) for name, entry in value.items()}
        if isinstance(value, list | tuple):
            return [planted(entry, key) for entry in value]
        if not isinstance(value, str) or (key in ("Arn", "PolicyArn", "arn") and ":aws:policy/" in value):
            return value
        return form.format(value)

    account = DEMO if given == "demo" else load_account(json.dumps(complete()).encode())
    snapshot = json.loads(json.dumps(snapshot_of(account)))
    snapshot["Policies"] = [one for one in snapshot["Policies"] if ":aws:policy/" not in one["Arn"]]
    snapshot.get("organization", {}).pop("path", None)
    made = redact(planted(snapshot), types_of_resources(), is_known, Random(1))
    assert "zorblat" not in json.dumps(made.snapshot).lower()


def test_every_policy_of_aws_stays_as_it_is() -> None:
    """moto knows what AWS had published of them, among them actions that AWS no longer lists."""
    text = resources.files("moto.iam").joinpath("aws_managed_policies.py").read_text()
    known = json.loads(re.search(r'aws_managed_policies_data = """(.*)"""', text, re.DOTALL)[1])  # type: ignore[index]
    policies = [
        {
            "PolicyName": name,
            "PolicyId": "ANPA" + f"{number:016}",
            "Arn": f"arn:aws:iam::aws:policy{one['Path']}{name}",
            "Path": one["Path"],
            "DefaultVersionId": "v1",
            "PolicyVersionList": [{"Document": one["Document"], "VersionId": "v1", "IsDefaultVersion": True}],
        }
        for number, (name, one) in enumerate(known.items())
    ]
    attached = [{"PolicyName": one["PolicyName"], "PolicyArn": one["Arn"]} for one in policies]
    given = snapshot(roles=[role("zorblat", AttachedManagedPolicies=attached)], policies=policies)
    made = redact(given, types_of_resources(), is_known, Random(1))
    assert len(policies) > 1_000
    assert made.snapshot["Policies"] == policies
    assert made.snapshot["RoleDetailList"][0]["AttachedManagedPolicies"] == attached
    assert not made.left_out
    assert "zorblat" not in json.dumps(made.snapshot)


def test_names_of_services_actions_regions_and_aws_managed_policies_stay() -> None:
    made, rename = redacted(snapshot_of(DEMO))
    text = json.dumps(made)
    managed = [policy.arn for policy in DEMO.policies if policy.aws_managed]
    assert managed
    for kept in (*managed, "eu-west-1", "lambda.amazonaws.com", "token.actions.githubusercontent.com"):
        assert f'"{kept}' in text or f":{kept}:" in text or f"/{kept}" in text, kept
        assert rename(kept) == kept
    assert '"s3:GetObject"' in text
    assert rename("arn:aws:lambda:eu-west-1:111122223333:function:x").startswith("arn:aws:lambda:eu-west-1:")


@pytest.mark.parametrize("start", ["arn:aws:execute-api:us-east-1:111122223333:puffin", "execute-api:"])
def test_http_methods_stay_in_resources_of_api_gateway(start: str) -> None:
    resources = [f"{start}/zorblat/GET/quux", f"{start}/*/PATCH/*", f"{start}/zorblat/DEL*"]
    made, rename = redacted(with_statement(Action="execute-api:Invoke", Resource=resources))
    for method, one in zip(("/GET/", "/PATCH/*", "/DEL*"), resources, strict=True):
        assert method in rename(one)
    assert not [word for word in ("zorblat", "quux", "puffin") if word in json.dumps(made)]


# Patterns cut what they cut.


def matches(pattern: str, text: str) -> bool:
    return Glob(tokens_of(parse_pieces(pattern, variables=False))).matches(text)


def with_names(names: list[str], patterns: list[str]) -> dict[str, Any]:
    body = document(*[allow("s3:GetObject", f"arn:aws:s3:::{pattern}") for pattern in patterns])
    named = document(*[allow("s3:GetObject", f"arn:aws:s3:::{name}") for name in names])
    policies = [inline("p", body), inline("n", named)]
    return snapshot_of(account_of(snapshot(users=[user("zoe", UserPolicyList=policies)])))


PATTERNS = (
    *("app-*", "app*", "*-prod", "*prod", "*data*", "*-lake-*", "a*", "appl*", "ap*ion", "*", "x*", "logs-*-x", "lo*"),
)
NAMES = (
    *("app-web", "app", "application", "apple", "web-prod", "preprod", "my-data-lake", "metadata2", "a", "b", "x1"),
    *("logs-1-x", "logs-ab-x", "lake", "Application", "APP-1"),
)


def test_patterns_still_cut_the_names_that_they_cut() -> None:
    for seed in range(20):
        _, rename = redacted(with_names(NAMES, PATTERNS), seed)
        for pattern, name in product(PATTERNS, NAMES):
            assert matches(rename(pattern), rename(name)) is matches(pattern, name), (pattern, name, seed)
        assert len({rename(name) for name in NAMES}) == len(NAMES)
        assert rename("app-web") != "app-web"


WORDS = st.text("abpq1-", min_size=1, max_size=7)
GLOBS = st.lists(st.text("abpq1-*", min_size=1, max_size=6), max_size=4)


@pytest.mark.slow
@settings(max_examples=150, deadline=None)
@example(["1111"], ["*1", "11*"], 0)
@given(st.lists(WORDS, min_size=1, max_size=8, unique=True), GLOBS, st.integers(0, 99))
def test_any_pattern_still_cuts_any_name(names: list[str], patterns: list[str], seed: int) -> None:
    given = with_names(names, patterns)
    if kept_out := left_out(given):
        # The id of the account has a 1.
        assert "it cuts an id" in kept_out[0]
        return
    _, rename = redacted(given, seed)
    for pattern, name in product(patterns, names):
        assert matches(rename(pattern), rename(name)) is matches(pattern, name), (pattern, name)
    assert len({rename(name) for name in names}) == len(names)


@pytest.mark.parametrize(
    ("pattern", "says"),
    [
        (f"{ID[:5]}*", "cuts an id"),
        ("home/${aws:username}*", "stands in 'arn:aws:s3:::b/home/${aws:username}*' without a separator beside it"),
        ("a${aws:username}", "without a separator beside it"),
        ("db-????", "counts the characters of a name"),
        ("${aws:PrincipalTag/tenant, 'none'}*", "without a separator beside it"),
    ],
)
def test_what_cannot_be_kept_is_left_out_with_its_place(pattern: str, says: str) -> None:
    resource = f"arn:aws:sqs:eu-west-1:{pattern}" if pattern[0] == "1" else f"arn:aws:s3:::b/{pattern}"
    body = document(allow("sqs:*"), allow("s3:*", resource))
    (sentence,) = left_out(snapshot(roles=[role(RolePolicyList=[inline("p", body)])]))
    assert says in sentence
    assert sentence.startswith("$.RoleDetailList[0].RolePolicyList[0].PolicyDocument: ")


# Single things.


def conditions(**tests: Any) -> Any:
    """What becomes of the conditions of a trust policy."""
    made, _ = redacted(snapshot(roles=[role(AssumeRolePolicyDocument=trust(Condition=tests))]))
    return made["RoleDetailList"][0]["AssumeRolePolicyDocument"]["Statement"][0]["Condition"]


def test_addresses_stay_in_their_networks() -> None:
    given = ("203.0.113.0/24", "203.0.113.9", "203.0.0.0/16", "198.51.100.7", "0.0.0.0/0")
    given += ("2001:db8::/32", "2001:db8::1")
    made = conditions(IpAddress={"aws:SourceIp": [*given]})["IpAddress"]["aws:SourceIp"]
    for (was, now), (text, other) in product(zip(given, made, strict=True), repeat=2):
        if "/" in was and "/" not in text and ip_network(was).version == ip_address(text).version:
            assert (ip_address(other) in ip_network(now)) is (ip_address(text) in ip_network(was))
    assert made[1] != given[1]
    assert made[4] == "0.0.0.0/0"


def test_tags_are_the_same_but_for_their_case() -> None:
    tags = [{"Key": "CostCenter", "Value": "Blue"}, {"Key": "team", "Value": "blue"}]
    others = [{"Key": "costcenter", "Value": "BLUE"}]
    _, rename = redacted(snapshot(users=[user(Tags=tags)], roles=[role(Tags=others)]))
    spelled = [rename(text) for text in ("Blue", "blue", "BLUE", "bLUE")]
    assert len(set(spelled)) == 4
    assert len({text.lower() for text in spelled}) == 1
    assert rename("CostCenter").lower() == rename("costcenter")


def test_conditions_keep_their_keys_numbers_times_and_aws_values() -> None:
    made = conditions(
        StringEquals={
            "aws:PrincipalTag/team": "blue",
            "aws:RequestedRegion": ["eu-west-1"],
            "s3:x-amz-acl": "public-read",
            "oidc.acme.example:sub": "system:bob",
            "aws:SourceAccount": 999988887777,
        },
        NumericLessThan={"aws:MultiFactorAuthAge": "3600"},
        DateLessThan={"aws:CurrentTime": "2027-01-01T00:00:00Z"},
        Bool={"aws:MultiFactorAuthPresent": "true"},
    )
    text = json.dumps(made)
    assert '"aws:RequestedRegion": ["eu-west-1"]' in text
    assert '"s3:x-amz-acl": "public-read"' in text
    assert made["NumericLessThan"] == {"aws:MultiFactorAuthAge": "3600"}
    assert made["DateLessThan"] == {"aws:CurrentTime": "2027-01-01T00:00:00Z"}
    assert made["Bool"] == {"aws:MultiFactorAuthPresent": "true"}
    assert isinstance(made["StringEquals"]["aws:SourceAccount"], int)
    audiences = {"accounts.google.com:aud": "1234-acme.apps.example", "SAML:aud": "https://signin.aws.amazon.com/saml"}
    kept = conditions(StringEquals=audiences)["StringEquals"]
    assert kept["SAML:aud"] == audiences["SAML:aud"]
    assert "acme" not in json.dumps(kept)
    assert not re.search("team|blue|acme|bob|999988887777", text)


def test_a_document_that_cannot_be_read_stays_unreadable() -> None:
    policies = [inline("p", '{"Statement": "acme')]
    made, _ = redacted(snapshot_of(account_of(snapshot(users=[user(UserPolicyList=policies)]))))
    account = account_of(made)
    assert account.users[0].inline_policies[0].document.raw == UNREADABLE
    assert account.users[0].inline_policies[0].document.error is not None


def test_ages_stay_and_dates_do_not() -> None:
    account = load_account(json.dumps(complete()).encode())
    other = account_of(redacted(snapshot_of(account))[0])
    assert account.taken_at is not None
    assert other.taken_at is not None
    assert account.taken_at != other.taken_at
    assert account.taken_at - account.users[0].created == other.taken_at - other.users[0].created  # type: ignore[operator]
    rows = [one.credential_report.value.rows for one in (account, other)]  # type: ignore[union-attr]
    states = [[key.status for row in several for key in row.access_keys] for several in rows]
    assert states[0] == states[1] == ["Active", "Inactive"]
    assert rows[1][0].user == "<root_account>"


def test_dates_that_everybody_knows_do_not_tell_how_far_the_others_were_moved() -> None:
    def dates(snapshot: dict[str, Any]) -> list[tuple[Any, ...]]:
        of_aws = [one for one in snapshot["Policies"] if one["Arn"].startswith("arn:aws:iam::aws:")]
        return [
            (one["CreateDate"], one["UpdateDate"], *(version["CreateDate"] for version in one["PolicyVersionList"]))
            for one in of_aws
        ]

    given = json.loads(json.dumps(snapshot_of(DEMO)))
    made, _ = redacted(given)
    assert dates(made) == dates(given)
    assert dates(made)
    moved = {one["CreateDate"] for one in made["UserDetailList"]} & {
        one["CreateDate"] for one in given["UserDetailList"]
    }
    assert not moved


def test_two_redactions_have_nothing_in_common_but_their_form() -> None:
    one, two = (redacted_bytes(DEMO)[0] for _ in range(2))
    assert one != two
    assert iam("x") not in one.decode()


def test_no_text_is_left_out_whatever_holds_it() -> None:
    given = snapshot_of(account_of(complete()))
    given["identity_providers"] = ({"arn": iam("oidc-provider/idp.acme.example"), "audiences": ("acme-app",)},)
    assert "acme" not in json.dumps(redacted(given)[0])


def test_what_stands_in_the_wrong_place_of_a_statement_does_not_remain() -> None:
    wrong = (
        {"Acme": {"acme": ["acme"]}},
        {"Condition": {"AcmeEquals": {"aws:RequestTag/acme": "acme"}}},
        {"Condition": {"StringEquals": {"kms:EncryptionContext:acme": "acme"}}, "Sid": "acme"},
        {"Action": ["s3:Get*", "acme:Do It", "acme"]},
        {"Principal": {"Acme": "acme"}},
    )
    for elements in wrong:
        given = with_statement(**elements)
        assert "acme" not in json.dumps(redacted(given)[0]).lower()


def test_what_could_not_be_read_is_still_said_without_a_name() -> None:
    lacking = [
        {"what": "documents of acme-policy", "permission": "iam:GetPolicyVersion", "error": "acme"},
        {"what": "3 resources of acme"},
    ]
    made, _ = redacted(snapshot(users=[user()], roles=[role()], missing=lacking))
    assert "acme" not in json.dumps(made)
    known = {gap.what: gap.permission for gap in account_of(made).gaps}
    assert known["what iam:GetPolicyVersion would tell"] == "iam:GetPolicyVersion"
    assert "more that could not be read" in known


@pytest.mark.parametrize("what", [REST_OF_ACCOUNT, *UNLISTED.values(), ORGANIZATION_GAP])
def test_what_was_not_listed_is_still_missing(what: str) -> None:
    """Else a part of an account passes for all of it once it is redacted."""
    lacking = [{"what": what, "permission": "iam:GetAccountAuthorizationDetails", "error": "acme"}]
    given = snapshot(users=[user()], roles=[role()], missing=lacking)
    before, after = account_of(given), account_of(redacted(given)[0])
    assert what in {gap.what for gap in after.gaps}
    assert [gap.what for gap in after.unlisted] == [gap.what for gap in before.unlisted]
    assert [kind for kind in UNLISTED if after.why_unlisted(kind)] == [
        kind for kind in UNLISTED if before.why_unlisted(kind)
    ]


# Conditions that test what is renamed.

TESTED = (
    ("2024-05-01T10:00:00Z", "StringEquals", "2024-05-01T10:00:00Z", "kept"),
    ("2024-05-01T10:00:00Z", "StringLike", "2024-*", "kept"),
    ("2024-05-01T10:00:00Z", "StringNotEquals", "2024-05-01", "kept"),
    ("<root_account>", "StringEquals", "<root_account>", "kept"),
    ("private", "StringEquals", "private", "kept"),
    ("eu-west-1", "StringEquals", "eu-west-1", "kept"),
    ("4711", "NumericEquals", "4711", "left out"),
    ("4711", "NumericLessThanEqualsIfExists", "5000", "left out"),
    ("true", "Bool", "true", "left out"),
    ("2024-01-01", "DateLessThan", "2025-01-01", "left out"),
    ("10.1.2.3", "IpAddress", "10.0.0.0/8", "left out"),
    ("10.1.2.3", "ForAnyValue:IpAddress", "10.0.0.0/8", "left out"),
    ("QmluYXJ5", "BinaryEquals", "QmluYXJ5", "left out"),
)
TAG_KEYS = ("x", "a:region", "x:acl", "2024-05-01T10:00:00Z", "a/region", "CreateDate")


def tagged_and_denied(key: str, value: str, condition: dict[str, Any]) -> dict[str, Any]:
    denied = {"Effect": "Deny", "Action": "*", "Resource": "*", "Condition": condition}
    one = user("zoe", Tags=[{"Key": key, "Value": value}])
    one["UserPolicyList"] = [inline("p", document(allow("*", "*"), denied))]
    return snapshot(users=[one])


@pytest.mark.parametrize("key", TAG_KEYS)
@pytest.mark.parametrize(("value", "operator", "tested", "expected"), TESTED)
def test_what_denies_by_a_tag_denies_afterwards_or_is_left_out(
    key: str, value: str, operator: str, tested: str, expected: str
) -> None:
    given = tagged_and_denied(key, value, {operator: {f"aws:PrincipalTag/{key}": tested}})
    made, _ = redacted(given)
    if expected == "left out":
        assert len(left_out(given)) == 1
        assert value not in json.dumps(made)
        principal = account_index(account_of(made)).principals[-1].principal
        found = QuestionEvaluator(account_of(made), Question("ec2:DescribeInstances", "*"), NOON).decide(principal)
        assert found.outcome in ("depends", "implicitDeny")
        return
    for account in (account_of(given), account_of(made)):
        principal = account_index(account).principals[-1].principal
        assert QuestionEvaluator(account, Question("ec2:DescribeInstances", "*"), NOON).decide(principal).outcome == (
            "explicitDeny"
        )
    if value not in ("eu-west-1", "<root_account>"):
        assert value not in json.dumps(made)


@pytest.mark.parametrize(
    ("operator", "key", "tested"),
    [
        ("StringEquals", "aws:RequestedRegion", "${aws:PrincipalTag/x}"),
        ("StringLike", "s3:x-amz-acl", "${aws:PrincipalTag/x}"),
        ("StringEquals", "aws:PrincipalTag/x", "${s3:x-amz-acl}"),
        ("StringEquals", "aws:PrincipalTag/x", "${aws:SourceIp}"),
        ("StringEquals", "aws:PrincipalTag/x", "${aws:CurrentTime}"),
        ("StringEquals", "aws:RequestedRegion", "acmeregion"),
        ("StringEquals", "iam:PassedToService", "acme.amazonaws.com"),
        ("NumericEquals", "aws:PrincipalAccount", ID),
        ("NumericGreaterThan", "aws:username", "5"),
        ("NumericEquals", "s3:max-keys", "987654321098"),
        ("Bool", "aws:SecureTransport", "acme"),
        ("DateLessThan", "aws:CurrentTime", "2024-05-01 acme"),
        ("IpAddress", "aws:SourceIp", "203.0.113.77/33"),
        ("IpAddress", "aws:SourceIp", "203.0.113.078"),
        ("StringEquals", "aws:ResourceAccount", 987654321098.0),
    ],
)
def test_conditions_that_would_compare_a_renamed_text_with_another_are_left_out(
    operator: str, key: str, tested: Any
) -> None:
    (sentence,) = left_out(tagged_and_denied("x", "private", {operator: {key: tested}}))
    assert sentence.startswith("$.UserDetailList[0].UserPolicyList[0].PolicyDocument: ")


@pytest.mark.parametrize(
    ("names", "patterns"),
    [
        (["ab" * 30_000], ["*ab*", "*ba*"]),
        (["ab" * 2_500], ["*ab*", "*ba*"]),
        (["ab" * 400], ["ab" * size + "*" for size in range(1, 400)] + ["*b" + "ab" * size for size in range(1, 400)]),
    ],
)
def test_names_that_patterns_cut_in_too_many_places_are_left_out(names: list[str], patterns: list[str]) -> None:
    (sentence,) = left_out(with_names(names, patterns))
    assert sentence.startswith("$.UserDetailList[0].UserPolicyList[0].PolicyDocument: ")
    assert "cut names in too many places" in sentence


def test_a_long_text_is_redacted_in_one_pass() -> None:
    names = ["/" * 60_000 + "puffin", "${" * 20_000, *(f"app{number}puffin" for number in range(2_000))]
    _, rename = redacted(with_names(names, [f"*{number}p*" for number in range(400)]))
    assert "puffin" not in rename(f"arn:aws:s3:::{names[0]}")


# What only looks like AWS's own.


def with_statement(**elements: Any) -> dict[str, Any]:
    body = document({"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*", **elements})
    return snapshot(users=[user(UserPolicyList=[inline("p", body)])])


def with_tag(value: str) -> dict[str, Any]:
    return snapshot(users=[user(Tags=[{"Key": "owner", "Value": value}])])


@pytest.mark.parametrize(
    "given",
    [
        with_tag("2024-05-01T10:00:00-jane.acme"),
        with_tag("arn:acme:acmeproject:acmeregion"),
        with_tag("arn:acme:iam::aws:acme"),
        with_tag("arn:acme:iam::aws:policy/acme"),
        with_tag("arn:aws:s3:acme"),
        with_tag("acme.amazonaws.com"),
        with_tag("acme-prod.s3.amazonaws.com"),
        snapshot(users=[user("awsserviceroleforacme")]),
        with_statement(Resource=["arn:aws:s3:acme/x", "arn:aws:s3:acmetwo"]),
        *(
            with_statement(Resource=arn)
            for arn in ("arn:aws:acme*", "arn:aws:s3:acme*:1:x", "arn:aws:s3:acme/*", "arn:aws:acme:eu-west-1::x")
        ),
        with_statement(Resource="arn:aws:s3:::b/${login.acme.com:sub}/*"),
        with_statement(Resource="arn:aws:s3:::b/${acme:acme}/${acme}/${aws:acme}/*"),
        with_statement(Condition={"StringEquals": {"aws:PrincipalTag/x": "${login.acme.com:sub}"}}),
        with_statement(Condition={"StringEquals": {"login.acme.com/acme:sub": "x", "login.x.com:acme": "x"}}),
        with_statement(Condition={"StringEquals": {"login.x.com:region": "acme"}}),
        with_statement(Condition={"StringEquals": {"acme:acme": "x", "s3:acme": "x", "aws:acme": "x", "acme": "x"}}),
        with_statement(Condition={"StringEqualsAcme": {"aws:username": "x"}}),
        with_statement(Principal={"Service": "build.acme.com", "Acme": "x"}),
        snapshot(users=[user()], missing=[{"what": "x", "permission": "acme:acme", "error": "no"}]),
        snapshot(users=[user()], account_summary={"acme": 1}),
    ],
)
def test_what_only_looks_like_a_word_of_aws_does_not_remain(given: dict[str, Any]) -> None:
    assert "acme" not in json.dumps(redacted(given)[0]).lower()


@pytest.mark.parametrize(
    "elements",
    [
        {"Action": "acme:project"},
        {"Action": ["s3:acme*"]},
        {"Principal": {"Service": "acme.amazonaws.com"}},
        {"Condition": {"StringEquals": {"acme:acme": "x"}}},
    ],
)
def test_a_policy_with_what_aws_lacks_is_left_out(elements: dict[str, Any]) -> None:
    given = with_statement(**elements)
    assert "acme" not in json.dumps(redacted(given)[0])
    assert "acme" in left_out(given)[0]


@pytest.mark.parametrize("name", ["ACMEPAYMENTS", "ACMEPAYMENTSPRODUCTION01"])
def test_a_name_in_capitals_is_not_taken_for_an_id(name: str) -> None:
    given = with_names([name, "acme-pay"], ["acme*"])
    assert "acme" not in json.dumps(redacted(given)[0]).lower()


@pytest.mark.parametrize("prefix", UNIQUE_ID_PREFIXES)
def test_an_id_of_aws_keeps_what_it_is_of(prefix: str) -> None:
    unique = f"{prefix}IOSFODNN7EXAMPLE"
    _, rename = redacted(snapshot(users=[user()]))
    assert re.fullmatch(rf"{prefix}[A-Z2-7]{{16}}", rename(unique))
    assert rename(unique) != unique


def test_a_name_in_any_number_of_spellings_stays_as_many_names() -> None:
    spelled = ["".join(letters) for letters in product(*("pP", "aA", "yY", "mM", "eE", "nN", "tT"))]
    _, rename = redacted(with_names(spelled, []))
    assert len({rename(name) for name in spelled}) == len(spelled)


def test_the_host_of_an_endpoint_does_not_remain() -> None:
    given = snapshot(users=[user()])
    given["iamtui"] = {**given.get("iamtui", {}), "not_aws": "acme.internal"}
    assert "acme" not in json.dumps(redacted(given)[0])


def test_single_letters_do_not_remain() -> None:
    spelled = ["zqwvxy"[:size] + "*" for size in range(1, 7)]
    made, rename = redacted(with_names(["zqwvxy", "z.q.w.v.x.y"], spelled))
    text = json.dumps(made)
    assert "zqwvxy" not in text
    assert "z.q.w.v.x.y" not in text
    assert all(matches(rename(pattern), rename("zqwvxy")) for pattern in spelled)
    made, _ = redacted(with_names(["4711088"], ["4711088"[:size] + "*" for size in range(1, 7)]))
    assert "4711" not in json.dumps(made)


@pytest.mark.parametrize(
    "arn",
    [
        *("arn:aws:s3:eu-wes*", "arn:aws:s3:*u-west-1:*", "arn:aws-*:s3:*", "arn:aws:s*", "arn:aws:dynamodb:*:*:ta*"),
        *("arn:aws:dynamodb:*:*:*ble/*", "*:function:*"),
    ],
)
def test_patterns_of_services_and_regions_stay(arn: str) -> None:
    made, _ = redacted(with_statement(Resource=[arn, "arn:aws:s3:::b"]))
    assert f'"{arn}"' in json.dumps(made)


@one_quick(
    "name",
    [
        "Ian West", "West Server-Profile_Service", "Table Function", "Ian Central (role user)", "प्रिया शर्मा",
        "Zoe\u0308 Nu\u0303n\u0303ez", "arn:aws:iam::aws:policy/West", "😀 Root 7",
    ],
)  # fmt: skip
def test_no_word_of_a_persons_name_remains_although_aws_has_it_too(name: str) -> None:
    given = snapshot_of(DEMO)
    role = next(one["RoleName"] for one in given["RoleDetailList"] if one["RoleName"].startswith("AWSReservedSSO"))
    given["identity_center"] = {
        "instance": "arn:aws:sso:::instance/ssoins-1",
        "identity_store": "d-1",
        "owner": "111122223333",
        "unread": [],
        "permission_sets": [
            {"arn": "arn:aws:sso:::permissionSet/ssoins-1/ps-1", "name": role.split("_")[1], "assignees": None}
        ],
        "groups": [{"id": "g-1", "name": name, "members": ["u-1", "u-2"]}],
        "people": [
            {"id": "u-1", "user_name": name, "display_name": name},
            {"id": "u-2", "user_name": name, "display_name": f"{name} {name}"},
        ],
    }
    center = redacted(given)[0]["identity_center"]
    first, second = center["people"]
    for made in (center["groups"][0]["name"], first["user_name"], first["display_name"], second["display_name"]):
        for word in re.split(r"[\x00-/:-@\[-`{-\x7f]+", name):
            assert not word or word.lower() not in made.lower()
        assert not set(made) & {character for character in name if ord(character) > 0x7F}
    # Who has one name, has one name.
    assert first["user_name"] == first["display_name"] == second["user_name"] == center["groups"][0]["name"]
    assert second["display_name"] == f"{first['display_name']} {first['display_name']}"


def test_a_sign_that_stands_behind_its_letter_does_not_remain() -> None:
    given = snapshot_of(DEMO)
    given["UserDetailList"][0]["Tags"] = [{"Key": "owner", "Value": "प्रिया, Zoe\u0308"}]
    tag = redacted(given)[0]["UserDetailList"][0]["Tags"][0]["Value"]
    assert tag.isascii()


@pytest.mark.parametrize(
    ("keys", "kept"),
    [
        (("iamtui", "region"), "eu-west-1"),
        (("iamtui", "partition"), "aws-cn"),
        (("UserDetailList", 0, "Tags", 0, "Status"), "Active"),
        (("access_keys", "a", 0, "Region"), "us-gov-east-1"),
        (("access_keys", "a", 0, "ServiceName"), "s3"),
        (("organization", "path", 0, "type"), "ROOT"),
        (("unread", "a", 0, "permission"), "iam:ListUserPolicies"),
        (("service_last_accessed", "a", "ServicesLastAccessed", 0, "LastAuthenticatedRegion"), "ap-south-1"),
        (("Policies", 0, "PolicyVersionList", 0, "VersionId"), "v12"),
    ],
)
def test_a_word_stays_where_aws_has_one_only_if_it_is_aws_s(keys: tuple[str | int, ...], kept: str) -> None:
    def given(word: str) -> dict[str, Any]:
        value: Any = word
        for key in reversed(keys):
            value = [value] if isinstance(key, int) else {key: value}
        assert isinstance(value, dict)
        return value

    assert kept in json.dumps(redacted(given(kept))[0])
    assert "acmefrankfurt" not in json.dumps(redacted(given("acmefrankfurt"))[0])


def test_the_action_that_a_service_was_last_used_for_stays_only_if_it_has_it() -> None:
    def tracked(action: str) -> str:
        use = {"TrackedActionsLastAccessed": [{"ActionName": action}], "ServiceNamespace": "iam"}
        return json.dumps(redacted({"service_last_accessed": {"x": {"ServicesLastAccessed": [use]}}})[0])

    assert "CreateRole" in tracked("CreateRole")
    assert "Frankfurt" not in tracked("AcmeFrankfurt")
