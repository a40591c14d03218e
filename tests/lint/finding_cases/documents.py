"""The documents that cases are made of: unobjectionable ones, to be changed."""

from __future__ import annotations

from typing import Any, TypeAlias

Case: TypeAlias = tuple[str, Any, str, list[str]]
"""A name, a document, the kind of policy it is used as, and the codes of its findings ("error:no-statements")."""

A = "111111111111"
OIDC = f"arn:aws:iam::{A}:oidc-provider/token.actions.githubusercontent.com"
GITHUB = "token.actions.githubusercontent.com"
OBJECT = "arn:aws:s3:::b/*"


def document(*statements: dict[str, Any], version: str | None = "2012-10-17", **more: Any) -> dict[str, Any]:
    head: dict[str, Any] = {} if version is None else {"Version": version}
    return {**head, **more, "Statement": list(statements)}


def allow(**more: Any) -> dict[str, Any]:
    """An unobjectionable Allow statement, changed; None removes an element."""
    statement = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": OBJECT, **more}
    return {key: value for key, value in statement.items() if value is not None}


def when(operator: str, key: str, value: Any, **more: Any) -> dict[str, Any]:
    return allow(Condition={operator: {key: value}}, **more)


def trust(**more: Any) -> dict[str, Any]:
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{A}:role/x"},
        "Action": "sts:AssumeRole",
        **more,
    }
    return {key: value for key, value in statement.items() if value is not None}


def github(
    subject: Any = "repo:acme/site:ref:refs/heads/main", audience: str | None = "sts.amazonaws.com"
) -> dict[str, Any]:
    condition: dict[str, Any] = {}
    if audience:
        condition["StringEquals"] = {f"{GITHUB}:aud": audience}
    if subject:
        condition["StringLike"] = {f"{GITHUB}:sub": subject}
    return trust(Principal={"Federated": OIDC}, Action="sts:AssumeRoleWithWebIdentity", Condition=condition)
