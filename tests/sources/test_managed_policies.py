"""The texts of AWS managed policies are there, complete and true, and reading them imports no moto."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from iamtui.account.model import Missing
from iamtui.sources.managed_policies import (
    managed_policy,
    managed_policy_arns,
    managed_policy_document,
)


def test_administrator_access_allows_everything():
    document = managed_policy_document("arn:aws:iam::aws:policy/AdministratorAccess")
    assert document is not None
    assert document.value == {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}],
    }
    assert list(document.value) == ["Version", "Statement"]


@pytest.mark.parametrize(
    "arn",
    [
        "arn:aws:iam::aws:policy/job-function/ViewOnlyAccess",
        "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole",
        "arn:aws:iam::aws:policy/aws-service-role/AmazonECSServiceRolePolicy",
    ],
)
def test_paths_are_part_of_the_arn(arn):
    policy = managed_policy(arn)
    assert policy is not None
    assert policy.arn == f"arn:aws:iam::aws:policy{policy.path}{policy.name}"
    assert policy.aws_managed
    assert policy.default_version is not None


@pytest.mark.parametrize(
    "arn",
    [
        "arn:aws:iam::aws:policy/ViewOnlyAccess",
        "arn:aws-cn:iam::aws:policy/AdministratorAccess",
        "arn:aws:iam::111122223333:policy/AdministratorAccess",
        "",
    ],
)
def test_unknown_arns_have_no_document(arn):
    assert managed_policy_document(arn) is None


def test_what_the_file_lacks_is_missing_and_not_none():
    policy = managed_policy("arn:aws:iam::aws:policy/PowerUserAccess")
    assert policy is not None
    assert isinstance(policy.attachment_count, Missing)
    assert isinstance(policy.description, Missing)
    assert policy.created is not None
    assert policy.created.utcoffset() is not None


def test_every_document_is_readable_and_keeps_its_meaning():
    from importlib.util import find_spec
    from pathlib import Path

    spec = find_spec("moto")
    assert spec is not None
    namespace: dict[str, str] = {}
    data_file = Path(str(spec.submodule_search_locations[0])) / "iam" / "aws_managed_policies.py"
    exec(compile(data_file.read_text(encoding="utf-8"), str(data_file), "exec"), namespace)
    original = json.loads(namespace["aws_managed_policies_data"])
    assert sorted(original) == sorted(arn.rsplit("/", 1)[-1] for arn in managed_policy_arns())
    assert len(original) > 1_500
    for arn in managed_policy_arns():
        policy = managed_policy(arn)
        assert policy is not None
        assert policy.default_version is not None
        document = policy.default_version.document
        assert document.error is None, arn
        assert document.value == original[policy.name]["Document"]


def test_reading_imports_neither_moto_nor_boto3():
    code = (
        "import sys; from iamtui.sources.managed_policies import managed_policy_document as d;"
        "assert d('arn:aws:iam::aws:policy/ReadOnlyAccess');"
        "print(sorted({m.split('.')[0] for m in sys.modules} & {'moto', 'boto3', 'botocore', 'textual'}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[]"


def test_without_moto_nothing_is_known(monkeypatch):
    from iamtui.sources import managed_policies

    monkeypatch.setattr(managed_policies, "find_spec", lambda _name: None)
    assert managed_policies._read_policies.__wrapped__() == {}


def test_a_data_file_of_another_form_gives_nothing():
    from iamtui.sources.managed_policies import _json_literal

    assert _json_literal("import os\naws_managed_policies_data = os.environ\n") == "{}"
