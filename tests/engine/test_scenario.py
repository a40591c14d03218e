"""Scenarios: what they mean, and what is said about a wrong one."""

from __future__ import annotations

import copy
import io
import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iamtui.engine.decision import Expectation, Outcome
from iamtui.engine.evaluator import evaluate
from iamtui.engine.request import EngineOptions, Mode, PrincipalKind
from iamtui.engine.scenarios.scenario import (
    MalformedScenario,
    Scenario,
    ScenarioError,
    parse_scenario,
    read_scenarios,
    scenario_schema,
)
from iamtui.policy.document import DocumentPool

USERS = "arn:aws:iam::111111111111:user"
REQUEST = {
    "principal": "arn:aws:iam::111111111111:user/alice",
    "action": "s3:GetObject",
    "resource": "arn:aws:s3:::b/k",
}
ALLOW = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}


def scenario(**changes: Any) -> dict[str, Any]:
    """A minimal scenario; keys with `request__` in front change the request."""
    value: dict[str, Any] = {"request": copy.deepcopy(REQUEST)}
    for key, change in changes.items():
        if key.startswith("request__"):
            value["request"][key.removeprefix("request__")] = change
        else:
            value[key] = change
    return value


def test_only_the_request_is_needed() -> None:
    parsed = parse_scenario(scenario())
    assert parsed.id is None
    assert parsed.expect is None
    assert parsed.request.mode is Mode.RAW
    assert parsed.request.context == {}
    assert parsed.policies.identity == ()
    assert parsed.policies.scps == ()
    assert parsed.policies.resource is None
    assert parsed.options == EngineOptions()


def test_null_is_the_same_as_missing() -> None:
    everything = set(scenario_schema()["$defs"]["ScenarioForm"]["properties"]) - {"request"}
    in_request = set(scenario_schema()["$defs"]["RequestForm"]["properties"]) - set(REQUEST)
    value = scenario(**dict.fromkeys(everything), **{f"request__{key}": None for key in in_request})
    assert parse_scenario(value) == parse_scenario(scenario())


def test_a_full_scenario() -> None:
    policy = {"name": "p", "document": ALLOW}
    parsed = parse_scenario(
        scenario(
            id="one",
            expect="implicitDeny",
            mode="discover",
            request__principal="arn:aws:sts::111111111111:federated-user/f",
            request__issuer="arn:aws:iam::111111111111:user/alice",
            request__resource_account="222222222222",
            request__context={"aws:TagKeys": ["a", "b"], "aws:SecureTransport": True, "s3:max-keys": 10, "x:y": []},
            request__known_absent=["aws:SourceVpc", "aws:PrincipalTag/*"],
            request__any_value=["aws:SourceAccount"],
            request__wildcard_only_action=False,
            identity_policies=[policy],
            permissions_boundaries=[{"document": ALLOW}],
            session_policies=[policy],
            resource_policy=json.dumps(ALLOW),
            scps=[[policy], []],
            rcps=[[]],
            vpc_endpoint_policies=[policy],
            settings={
                "principal_in_management_account": True,
                "resource_in_management_account": True,
                "s3": {"restrict_public_buckets": True, "public_policy": False},
            },
            options={"legacy_role_self_trust": True},
        )
    )
    assert parsed.expect is Expectation.IMPLICIT_DENY
    assert parsed.request.principal.kind is PrincipalKind.FEDERATED_USER
    assert parsed.request.principal.issuer == "arn:aws:iam::111111111111:user/alice"
    assert parsed.request.context == {
        "aws:TagKeys": ("a", "b"),
        "aws:SecureTransport": ("true",),
        "s3:max-keys": ("10",),
        "x:y": (),
    }
    policies = parsed.policies
    assert [p.name for p in policies.identity] == ["p"]  # type: ignore[union-attr]
    assert [p.name for p in policies.boundaries] == ["permissions_boundaries[0]"]  # type: ignore[union-attr]
    assert [len(level.policies) for level in policies.scps] == [1, 0]  # type: ignore[union-attr]
    assert len(policies.rcps) == 1  # type: ignore[arg-type]
    assert policies.resource is not None
    assert policies.restrict_public_buckets is True
    assert policies.public_policy is False
    assert policies.principal_in_management_account
    assert policies.resource_in_management_account
    assert parsed.options == EngineOptions(legacy_role_self_trust=True)


def test_no_levels_differ_from_a_level_without_policies() -> None:
    assert parse_scenario(scenario(scps=[])).policies.scps == ()
    [level] = parse_scenario(scenario(scps=[[]])).policies.scps  # type: ignore[misc]
    assert level.policies == ()


@pytest.mark.parametrize(
    ("principal", "action", "kind"),
    [
        ("arn:aws:iam::111111111111:root", "s3:GetObject", PrincipalKind.ROOT),
        ("111111111111", "s3:GetObject", PrincipalKind.ROOT),
        ("arn:aws:iam::111111111111:role/app", "s3:GetObject", PrincipalKind.ROLE),
        ("arn:aws:sts::111111111111:assumed-role/app/s", "s3:GetObject", PrincipalKind.ROLE_SESSION),
        ("cloudtrail.amazonaws.com", "s3:PutObject", PrincipalKind.SERVICE),
        ("accounts.google.com", "sts:AssumeRoleWithWebIdentity", PrincipalKind.IDENTITY_PROVIDER),
        ("a" * 64, "s3:GetObject", PrincipalKind.CANONICAL_USER),
        ({"type": "Anonymous"}, "s3:GetObject", PrincipalKind.ANONYMOUS),
        ({"type": "Federated", "provider": "accounts.google.com"}, "sts:X", PrincipalKind.IDENTITY_PROVIDER),
    ],
)
def test_principals(principal: object, action: str, kind: PrincipalKind) -> None:
    parsed = parse_scenario(scenario(request__principal=principal, request__action=action))
    assert parsed.request.principal.kind is kind


def test_owner_aws_is_judged_as_the_callers_account() -> None:
    assert parse_scenario(scenario(request__resource_account="aws")).request.resource_account == "111111111111"


def test_equal_documents_are_shared() -> None:
    policy = {"name": "p", "document": ALLOW}
    parsed = parse_scenario(scenario(identity_policies=[policy], session_policies=[policy]))
    assert parsed.policies.identity[0].document is parsed.policies.session[0].document  # type: ignore[index,union-attr]


POLICY = {"name": "p", "document": ALLOW}


@pytest.mark.parametrize(
    ("value", "path", "said"),
    [
        (3, "$", "expected an object"),
        ({}, "$.request", "missing"),
        ({"request": []}, "$.request", "found a list"),
        (scenario(request__acton="x"), "$.request.acton", 'did you mean "action"'),
        (scenario(identty_policies=[]), "$.identty_policies", 'did you mean "identity_policies"'),
        (scenario(**{"we ird": 1}), '$["we ird"]', "unknown key"),
        ({"request": {"action": "s3:x", "resource": "*"}}, "$.request.principal", "missing, expected an ARN"),
        (scenario(request__principal=3), "$.request.principal", "found the number 3"),
        (scenario(request__principal="alice"), "$.request.principal", 'found the text "alice"'),
        (scenario(request__principal="arn:aws:s3:::b"), "$.request.principal", "not the ARN of a user"),
        (scenario(request__principal=f"{USERS}/"), "$.request.principal", "not the ARN of a user"),
        (scenario(request__principal=f"{USERS}/*"), "$.request.principal", "whose name holds no wildcard"),
        (scenario(request__principal=f"{USERS}/a?"), "$.request.principal", "whose name holds no wildcard"),
        (scenario(request__principal="arn:*:iam::1:user/a"), "$.request.principal", "whose name holds no wildcard"),
        (
            scenario(request__principal="arn:aws:sts::111111111111:assumed-role/*/x"),
            "$.request.principal",
            "whose name holds no wildcard",
        ),
        (scenario(request__principal={"type": "Nobody"}), "$.request.principal.type", '"Anonymous" or "Federated"'),
        (scenario(request__principal={"type": "Federated"}), "$.request.principal.provider", "missing"),
        (scenario(request__principal={"type": "Anonymous", "x": 1}), "$.request.principal.x", "unknown key"),
        (scenario(request__action="s3"), "$.request.action", "service:Operation"),
        (scenario(request__action="s3:Get*"), "$.request.action", "without wildcards"),
        (scenario(request__resource="bucket"), "$.request.resource", "an ARN"),
        (scenario(request__resource="arn:aws:s3"), "$.request.resource", "six fields"),
        (scenario(request__resource_account="12"), "$.request.resource_account", "12-digit"),
        (scenario(request__resource_account=123456789012), "$.request.resource_account", "found the number"),
        (scenario(request__issuer="alice"), "$.request.issuer", "ARN of the user"),
        (
            scenario(
                request__principal="arn:aws:sts::111111111111:federated-user/fed",
                request__issuer="arn:aws:iam::222222222222:user/alice",
            ),
            "$.request.issuer",
            "found a user of account 222222222222, expected one of 111111111111",
        ),
        (scenario(request__credentials="x"), "$.request.credentials", '"long_term"'),
        (scenario(request__context=[]), "$.request.context", "an object of condition keys"),
        (scenario(request__context={"a:b": None}), '$.request.context["a:b"]', "leave the key out"),
        (scenario(request__context={"a:b": ["x", {}]}), '$.request.context["a:b"][1]', "found an object"),
        (scenario(request__context={"a:b": "1", "A:B": "2"}), '$.request.context["A:B"]', 'the same key as "a:b"'),
        (scenario(request__known_absent="a:b"), "$.request.known_absent", "a list"),
        (scenario(request__any_value=[3]), "$.request.any_value[0]", "found the number 3"),
        (scenario(request__known_absent=[""]), "$.request.known_absent[0]", "name of a condition key"),
        (scenario(request__wildcard_only_action="no"), "$.request.wildcard_only_action", "true, false or null"),
        (scenario(id=1.5), "$.id", "found the number 1.5"),
        (scenario(expect="Allowed"), "$.expect", '"allowed"'),
        (scenario(mode="loose"), "$.mode", '"strict", "discover"'),
        (scenario(identity_policies={}), "$.identity_policies", "a list"),
        (scenario(identity_policies=[3]), "$.identity_policies[0]", "an object"),
        (scenario(identity_policies=[{"name": "p"}]), "$.identity_policies[0].document", "missing"),
        (scenario(identity_policies=[POLICY, ALLOW]), "$.identity_policies[1]", "a bare policy document"),
        (scenario(scps=[POLICY]), "$.scps[0]", "found an object, expected a list"),
        (scenario(scps=[[], [{"document": 1}]]), "$.scps[1][0].document", "found the number 1"),
        (
            scenario(identity_policies=[{"document": {"Statement": [{"Effect": "allow", "Action": "*"}]}}]),
            "$.identity_policies[0].document.Statement[0].Effect",
            '"Allow" or "Deny"',
        ),
        (scenario(resource_policy={}), "$.resource_policy", "Statement"),
        (scenario(resource_policy='{"a": 1,\n"a": 2}'), "$.resource_policy", "appears twice"),
        (scenario(rcps=[[{"document": "{\n\n?"}]]), "$.rcps[0][0].document", "line 3 of the document"),
        (scenario(settings={"s3": {"restrict": True}}), "$.settings.s3.restrict", "restrict_public_buckets"),
        (scenario(settings={"s3": {"public_policy": 1}}), "$.settings.s3.public_policy", "found the number 1"),
        (scenario(options={"legacy_self_trust": True}), "$.options.legacy_self_trust", "legacy_role_self_trust"),
        (scenario(options={"legacy_role_self_trust": "yes"}), "$.options.legacy_role_self_trust", "true or false"),
        (
            scenario(identity_policies=[{"name": "n" * 513, "document": {"Statement": []}}]),
            "$.identity_policies[0].name",
            "at most 512 characters",
        ),
    ],
)
def test_errors_name_the_place_and_what_was_expected(value: object, path: str, said: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        parse_scenario(value)
    assert caught.value.path == path
    assert said in caught.value.message
    assert str(caught.value) == f"{path}: {caught.value.message}."


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)


@given(st.sampled_from(sorted(scenario_schema()["$defs"]["ScenarioForm"]["properties"])), json_values)
def test_any_value_under_any_key_is_a_scenario_or_a_scenario_error(key: str, value: object) -> None:
    with suppress(ScenarioError):
        parse_scenario({**scenario(), key: value})


@given(st.sampled_from(sorted(scenario_schema()["$defs"]["RequestForm"]["properties"])), json_values)
def test_any_value_in_the_request_is_a_scenario_or_a_scenario_error(key: str, value: object) -> None:
    with suppress(ScenarioError):
        parse_scenario(scenario(**{f"request__{key}": value}))


def read(text: str | bytes) -> list[Scenario | MalformedScenario]:
    return list(read_scenarios(io.BytesIO(text) if isinstance(text, bytes) else io.StringIO(text)))


def ids(items: list[Scenario | MalformedScenario]) -> list[object]:
    return [item.id if isinstance(item, Scenario) else item.as_json() for item in items]


ONE, TWO = scenario(id="one"), scenario(id=2)


@pytest.mark.parametrize(
    "text",
    [
        json.dumps(ONE) + "\n" + json.dumps(TWO),
        json.dumps(ONE) + "\n\n  \n" + json.dumps(TWO) + "\n",
        json.dumps([ONE, TWO]),
        json.dumps([ONE, TWO], indent=2),
        "[\n" + json.dumps(ONE) + ",\n" + json.dumps(TWO) + "\n]",
        json.dumps(ONE, indent=2) + "\n" + json.dumps(TWO, indent=2) + "\n",
        "\ufeff" + json.dumps(ONE) + "\r\n" + json.dumps(TWO),
    ],
)
def test_every_form_of_a_stream(text: str) -> None:
    assert ids(read(text)) == ["one", 2]
    assert ids(read(text.encode())) == ["one", 2]


def test_an_empty_stream_gives_nothing() -> None:
    assert read("") == []
    assert read(" \n\n") == []


def test_malformed_entries_keep_their_place() -> None:
    text = "\n".join(
        [
            json.dumps(ONE),
            '{"id": "broken", "req',
            "hello",
            json.dumps({"id": "x", "request": 3}),
            '{"request": {',
            json.dumps(TWO),
            '{"id": 1}}',
            json.dumps(TWO),
        ]
    )
    items = read(text)
    assert [type(item) for item in items] == [Scenario, *[MalformedScenario] * 4, Scenario, MalformedScenario, Scenario]
    assert items[3].id == "x"
    assert items[3].as_json() == {  # type: ignore[union-attr]
        "id": "x",
        "error": {
            "path": "$.request",
            "message": "found the number 3, expected an object with principal, action and resource",
        },
    }
    assert [item.line for item in items if isinstance(item, MalformedScenario)] == [2, 3, 4, 5, 7]
    assert "line 2" in items[1].error.message  # type: ignore[union-attr]


def test_a_bad_entry_of_an_array_keeps_its_place() -> None:
    assert [type(item) for item in read(json.dumps([ONE, 3, TWO]))] == [Scenario, MalformedScenario, Scenario]


@pytest.mark.parametrize("broken", ["[" * 500, "[1,", ' [ "x'])
def test_an_open_bracket_that_begins_no_array_of_objects_swallows_nothing(broken: str) -> None:
    items = read("\n".join([json.dumps(ONE), broken, json.dumps(TWO)]))
    assert [type(item) for item in items] == [Scenario, MalformedScenario, Scenario]


@pytest.mark.parametrize("opening", ["[", "[ ", " [\n"])
def test_an_array_may_have_an_object_on_each_line(opening: str) -> None:
    assert ids(read(f"{opening}\n{json.dumps(ONE)},\n{json.dumps(TWO)}\n]\n")) == ["one", 2]
    assert ids(read(f"{opening}{json.dumps(ONE)},\n{json.dumps(TWO)}]\n")) == ["one", 2]


def test_a_line_that_is_not_utf8_keeps_its_place() -> None:
    items = read(json.dumps(ONE).encode() + b"\n\xff\xfe\n" + json.dumps(TWO).encode())
    assert [type(item) for item in items] == [Scenario, MalformedScenario, Scenario]


@pytest.mark.parametrize("text", ["[", "{", '"', "]", "NaN", '{"a":1}{"b":2}', "[" * 500, '{"id": ' + "9" * 5000 + "}"])
def test_broken_text_is_one_error(text: str) -> None:
    [item] = read(text)
    assert isinstance(item, MalformedScenario)


def test_an_entry_that_is_too_long_is_skipped(monkeypatch: pytest.MonkeyPatch) -> None:
    from iamtui.engine.scenarios import scenario as module

    monkeypatch.setattr(module, "MAX_ENTRY", 400)
    long_line = json.dumps(scenario(id="x" * 500))
    long_block = json.dumps(scenario(id="long", scps=[[POLICY]] * 5), indent=1)
    items = read("\n".join([json.dumps(ONE), long_line, json.dumps(TWO)]))
    assert [type(item) for item in items] == [Scenario, MalformedScenario, Scenario]
    assert "longer than 400" in items[1].error.message  # type: ignore[union-attr]
    assert isinstance(read(long_block)[0], MalformedScenario)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"identity_policies": [POLICY] * 1_000, "scps": [[POLICY] * 1_001]}, "$: found 2,001 policies in all layers"),
        ({"rcps": [[]] * 33}, "$.rcps: found 33 levels, expected at most 32"),
        ({"request__context": {f"k{n}": "" for n in range(2_001)}}, "$.request.context: found 2,001 condition keys"),
        ({"request__context": {"k": ["x"] * 20_001}}, "$.request.context: found 20,001 values in lists"),
        ({"request__known_absent": ["k"] * 2_001}, "$.request.known_absent: found 2,001 condition keys"),
        ({"request__any_value": ["k"] * 2_001}, "$.request.any_value: found 2,001 condition keys"),
    ],
)
def test_a_scenario_larger_than_anything_aws_evaluates_is_refused(changes: dict[str, Any], says: str) -> None:
    with pytest.raises(ScenarioError) as refused:
        parse_scenario(scenario(**changes))
    assert says in str(refused.value)


def test_documents_are_not_shared_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    from iamtui.engine.scenarios import scenario as module

    pools: list[int] = []
    monkeypatch.setattr(module, "DocumentPool", lambda: pools.append(1) or DocumentPool())
    monkeypatch.setattr(module, "_POOL_CHARACTERS", 1_000)
    read("".join(json.dumps(scenario(id="x" * 300)) + "\n" for _ in range(20)))
    assert 5 < len(pools) < 12


class _Endless(io.RawIOBase):
    """Lines without end, so that reading ahead would never return."""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        line = json.dumps(ONE).encode() + b"\n"
        size = min(len(buffer), len(line))
        assert size == len(line)
        buffer[:size] = line
        return size


def test_json_lines_stream() -> None:
    stream = read_scenarios(io.BufferedReader(_Endless()))
    assert [next(stream).id for _ in range(5)] == ["one"] * 5


@given(st.binary(max_size=60))
def test_any_bytes_give_items_and_never_raise(data: bytes) -> None:
    for item in read(data):
        assert isinstance(item, (Scenario, MalformedScenario))


def test_schema_lists_every_key_and_option() -> None:
    schema = scenario_schema()
    assert json.loads(json.dumps(schema)) == schema
    definitions = schema["$defs"]
    assert definitions["ScenarioForm"]["required"] == ["request"]
    assert definitions["RequestForm"]["required"] == ["principal", "action", "resource"]
    [options, _] = definitions["ScenarioForm"]["properties"]["options"]["anyOf"]
    assert set(options["properties"]) == set(EngineOptions.__struct_fields__)


def test_a_number_without_quotes_is_compared_like_one_with_them() -> None:
    exact = "0.10000000000000000555"
    outcomes = []
    for wanted in (exact, f'"{exact}"', "0.1", '"0.1"'):
        for given_value in (exact, f'"{exact}"'):
            condition = f'{{"NumericEquals": {{"s3:max-keys": {wanted}}}}}'
            statement = f'{{"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {condition}}}'
            (read_one,) = read(
                '{"request": {"principal": "arn:aws:iam::111111111111:user/a", "action": "s3:ListBucket", '
                f'"resource": "arn:aws:s3:::b", "context": {{"s3:max-keys": {given_value}}}}}, '
                f'"identity_policies": [{{"name": "p", "document": {{"Statement": {statement}}}}}]}}'
            )
            assert isinstance(read_one, Scenario)
            outcomes.append(evaluate(read_one.request, read_one.policies).outcome is Outcome.ALLOWED)
    assert outcomes == [True] * 4 + [False] * 4
