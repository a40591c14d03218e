"""Nothing in iamtui can write to an account: every call in the code is on the list, and the list only reads."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import botocore.session
import pytest
from botocore.model import ServiceModel

import iamtui
from iamtui.aws.operations import ALLOWED, CREDENTIALS, READ, iam_action
from iamtui.aws.session import request_of
from iamtui.catalog.actions import catalogue

ROOT = Path(iamtui.__file__).parent
CALLS = ("call", "pages")
"""The methods of Connection that make a call; their first two arguments say which."""

CALLED = tuple(f".{name}(" for name in CALLS)

CLIENT_INTERNALS = {"aws/connection.py"}
"""Where clients are made and used; nothing else may touch one."""


def parsed(*words: str, rooms: tuple[str, ...] = ("",)) -> Iterator[tuple[str, ast.Module]]:
    """The modules of some rooms that have one of the words in them."""
    for path in sorted(ROOT.rglob("*.py")):
        name, text = path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8")
        if name.startswith(rooms) and any(word in text for word in words):
            yield name, ast.parse(text)


def service_calls(tree: ast.Module) -> Iterator[tuple[ast.Call, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in CALLS:
            yield node, ast.unparse(node.func.value)


def is_connection(owner: str) -> bool:
    return "connection" in owner.lower() or owner in ("self", "cls")


def test_every_call_in_the_code_is_on_the_list() -> None:
    found: set[tuple[str, str]] = set()
    for _, tree in parsed(*CALLED, rooms=("aws/", "sources/", "credentials/", "workspace/")):
        for node, owner in service_calls(tree):
            if not is_connection(owner):
                continue
            pair = [arg.value if isinstance(arg, ast.Constant) else None for arg in node.args[:2]]
            if None in pair:
                # A helper that passes its own parameter on: its callers must be literal, which the next test sees.
                continue
            found.add((str(pair[0]), str(pair[1])))

    assert found <= ALLOWED.keys()
    assert len(found) > 20


@pytest.mark.slow
def test_helpers_that_take_an_operation_are_given_literals() -> None:
    """Every string that names an operation of AWS in code that makes calls is on the list."""
    model = operations_of_aws()
    for name, tree in parsed(*CALLED, rooms=("sources/", "credentials/", "workspace/")):
        if name.startswith("sources/demo"):
            continue
        for node, owner in service_calls(tree):
            names = [a.id for a in node.args[:2] if isinstance(a, ast.Name)]
            if not is_connection(owner) or not names:
                continue
            literals = {
                constant.value
                for constant in ast.walk(tree)
                if isinstance(constant, ast.Constant) and isinstance(constant.value, str) and constant.value in model
            }
            assert literals <= {operation for _, operation in ALLOWED}, name


def test_no_other_code_makes_or_uses_a_client() -> None:
    offenders = []
    ways = ("client", "get_paginator", "_make_api_call")
    for name, tree in parsed(*(f".{way}" for way in ways)):
        if name in CLIENT_INTERNALS:
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and node.attr in ways:
                owner = ast.unparse(node.value)
                if is_connection(owner) or "session" in owner or "boto" in owner:
                    offenders.append(f"{name}:{node.lineno} {owner}.{node.attr}")

    assert offenders == []


@cache
def operations_of_aws() -> dict[str, set[str]]:
    session = botocore.session.get_session()
    found: dict[str, set[str]] = {}
    for service in {service for service, _ in ALLOWED}:
        for operation in session.get_service_model(service).operation_names:
            found.setdefault(operation, set()).add(service)
    return found


@pytest.mark.parametrize("pair", sorted(ALLOWED), ids=":".join)
def test_every_operation_is_pinned_to_the_request_that_the_installed_botocore_makes(pair: tuple[str, str]) -> None:
    model = service_model(pair[0]).operation_model(pair[1])
    assert request_of(model) == ALLOWED[pair]
    assert model.wire_name == pair[1]


@cache
def service_model(service: str) -> ServiceModel:
    """Read once: that of IAM takes a tenth of a second."""
    return botocore.session.get_session().get_service_model(service)


READS_BY_THEIR_LEVEL = {
    "GenerateCredentialReport",
    "GenerateServiceLastAccessedDetails",
    "GetAccountPasswordPolicy",
    "GetCredentialReport",
}
"""What only sounds like a write or a secret: AWS gives these actions the access level Read. The two that generate begin
a report; the password policy has no password, and the credential report no credential."""

SECRETS = ("Secret", "Parameter", "Decrypt", "Password", "Credential", "DataKey", "Plaintext")


@pytest.mark.parametrize("pair", sorted(READ), ids=":".join)
def test_every_read_only_reads_and_reads_no_secret(pair: tuple[str, str]) -> None:
    operation = pair[1]
    model = service_model(pair[0]).operation_model(operation)

    if operation in READS_BY_THEIR_LEVEL:
        action = catalogue().action(iam_action(*pair))
        assert action is not None
        assert action.access_levels == ("Read",)
    else:
        assert operation.startswith(("Get", "List", "Describe", "Simulate", "Decode"))
        assert not any(word in operation for word in SECRETS)
    assert model.http["method"] in ("GET", "POST", "HEAD")
    # REST services say by their method whether they change anything; the others post everything.
    if model.service_model.protocol.startswith("rest"):
        assert model.http["method"] == "GET"


def test_what_hands_out_credentials_belongs_to_sts_or_to_sign_in() -> None:
    assert {service for service, _ in CREDENTIALS} == {"sts", "sso", "sso-oidc", "signin"}
    assert not READ.keys() & CREDENTIALS.keys()


def test_iam_actions_have_the_form_of_actions() -> None:
    for service, operation in ALLOWED:
        prefix, _, name = iam_action(service, operation).partition(":")
        assert prefix
        assert name
