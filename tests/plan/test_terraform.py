"""Plans as `terraform show -json` writes them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from iamtui.plan.terraform import TerraformPlan, read_plan
from iamtui.problem import Problem


def change(name: str, *actions: str, module: str = "", **more: Any) -> dict[str, Any]:
    """A change of a policy's attachment, with further keys of the change."""
    address = f"aws_iam_role_policy_attachment.{name}"
    return {
        "address": f"{module}.{address}" if module else address,
        **({"module_address": module} if module else {}),
        "mode": "managed",
        "type": "aws_iam_role_policy_attachment",
        "name": name,
        "provider_name": "registry.terraform.io/hashicorp/aws",
        "change": {"actions": list(actions), "before": None, "after": {"role": "app"}, "after_unknown": {}, **more},
    }


def configured(name: str, provider: str = "aws", **expressions: Any) -> dict[str, Any]:
    address = f"aws_iam_role_policy_attachment.{name}"
    return {"address": address, "provider_config_key": provider, "expressions": expressions}


def plan_json(*changes: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"format_version": "1.2", "terraform_version": "1.14.0", "resource_changes": list(changes), **more}


def plan_of(*changes: dict[str, Any], **more: Any) -> TerraformPlan:
    return read_plan(json.dumps(plan_json(*changes, **more)).encode(), "The plan p.json")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_plan_of_each_encoding(encoding: str) -> None:
    data = json.dumps(plan_json(change("x", "create"))).encode(encoding)
    (found,) = read_plan(data, "The plan").changes
    assert (found.address, found.actions, found.after) == (
        "aws_iam_role_policy_attachment.x", ("create",), {"role": "app"},
    )  # fmt: skip


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "cannot be read: Empty"),
        (b"{", "cannot be read: Not JSON"),
        (b"PK\x03\x04rest", "Terraform's own form"),
        (b"\xff\xfe{", "is not UTF-16"),
        (b"\xff{", "is not UTF-8"),
        (b"[" * 100_000, "Nested deeper"),
        (b'[{"a": 1}]', "a plan is an object"),
        (b'{"@level":"info"}\n{"@level":"info"}', "log of terraform plan -json"),
        (b'{"resource_changes": []}', "format_version"),
        (b'{"format_version": "2.0", "resource_changes": []}', "format 2.0"),
        (b'{"format_version": "1.0", "values": {}}', "not a plan"),
        (b'{"format_version": "1.0", "resource_changes": {}}', "resource_changes is"),
        (b'{"format_version": "1.0", "resource_changes": [1]}', "resource_changes[0] is"),
        (b'{"format_version": "1.0", "resource_changes": [{"address": 5}]}', "[0].address is"),
        (b'{"format_version": "1.0", "resource_changes": [], "configuration": []}', "configuration is"),
    ],
)
def test_what_is_no_plan_is_one_sentence(data: bytes, words: str) -> None:
    with pytest.raises(Problem) as problem:
        read_plan(data, "The plan p.json")
    assert words in problem.value.sentence
    assert problem.value.sentence.startswith("The plan p.json")


def test_change_without_actions_is_refused() -> None:
    with pytest.raises(Problem, match="actions"):
        plan_of(change("x"))


def test_values_are_not_in_the_representation() -> None:
    plan = plan_of(change("x", "create", after={"secret": "hunter2"}, before={"secret": "hunter1"}))
    assert "hunter" not in repr(plan)


def test_moved_imported_forgotten_and_replaced() -> None:
    moved = {**change("moved", "no-op"), "previous_address": "aws_iam_role_policy_attachment.old"}
    imported = change("imported", "update", importing={"id": "app/arn"})
    forgotten, replaced = change("gone", "forget", after=None), change("new", "delete", "create")
    deposed = {**change("left", "delete"), "deposed": "abc"}
    found = plan_of(moved, imported, forgotten, replaced, deposed).changes
    assert found[0].previous_address == "aws_iam_role_policy_attachment.old"
    assert [one.importing for one in found] == [False, True, False, False, False]
    assert [one.changes for one in found] == [False, True, False, True, True]
    assert [one.replaces for one in found] == [False, False, False, True, False]
    assert (found[2].after, found[4].deposed) == ({}, "abc")


def test_unknown_and_sensitive_at_any_depth() -> None:
    (found,) = plan_of(
        change(
            "x",
            "create",
            after_unknown={"a": True, "b": [{"c": True}], "d": False, "e": []},
            after_sensitive={"b": [{"c": True}]},
        )
    ).changes
    assert [found.is_unknown(name) for name in "abdef"] == [True, True, False, False, False]
    assert [found.is_sensitive(name) for name in "ab"] == [False, True]


def test_references_of_a_module_with_for_each() -> None:
    arn = {"references": ["aws_iam_policy.p.arn", "aws_iam_policy.p"]}
    module = {"resources": [configured("x", policy_arn=arn, role={"constant_value": "app"})]}
    root = {"module_calls": {"app": {"module": module}}}
    plan = plan_of(
        {**change("x", "create", module='module.app["a.b[0]"]'), "index": "k"},
        configuration={"root_module": root},
    )
    (found,) = plan.changes
    assert found.index == "k"
    assert found.configuration_address == "module.app.aws_iam_role_policy_attachment.x"
    assert plan.references_of(found, "policy_arn") == ("aws_iam_policy.p.arn", "aws_iam_policy.p")
    assert plan.references_of(found, "role") == ()


def test_two_accounts_in_one_plan() -> None:
    def assuming(expression: dict[str, Any]) -> dict[str, Any]:
        return {"expressions": {"assume_role": [{"role_arn": expression}], "region": {"constant_value": "eu-west-1"}}}

    configuration = {
        "provider_config": {
            "aws.other": assuming({"constant_value": "arn:aws:iam::222222222222:role/deploy"}),
            "aws.by_variable": assuming({"references": ["var.role"]}),
            "aws.hidden": assuming({"references": ["local.role"]}),
            "aws.template": assuming({"references": ["var.account"]}),
        },
        "root_module": {
            "resources": [
                configured("a"),
                configured("b", "aws.other"),
                configured("c", "aws.by_variable"),
                configured("d", "aws.hidden"),
                configured("e", "aws.template"),
            ]
        },
    }
    # What a variable comes to inside a function does not show in the plan, so that its value is not believed.
    variables = {"role": {"value": "arn:aws:iam::333333333333:role/x"}, "account": {"value": "444444444444"}}
    plan = plan_of(*(change(name, "create") for name in "abcdef"), configuration=configuration, variables=variables)
    assert [one.account for one in plan.changes] == [None, "222222222222", None, None, None, None]
    hidden = [one.provider.account_unknown if one.provider else None for one in plan.changes]
    assert hidden == ["", "", "assume_role", "assume_role", "assume_role", None]
    assert plan.providers["aws.other"].region == "eu-west-1"


def test_own_arn_tells_the_account() -> None:
    (found,) = plan_of(change("x", "delete", before={"arn": "arn:aws:iam::555555555555:policy/p"}, after=None)).changes
    assert found.account == "555555555555"


def test_deferred_and_errored_plans_are_not_complete() -> None:
    plan = plan_of(deferred_changes=[{"reason": "x", "resource_change": change("x", "create")}], errored=True)
    assert (plan.complete, plan.deferred, plan.errored) == (False, ("aws_iam_role_policy_attachment.x",), True)
    assert not plan_of(complete=False).complete
