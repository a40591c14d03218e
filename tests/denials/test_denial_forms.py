"""The forms of access-denied messages as the IAM User Guide words them, in what tools put around them, and in pairs.

Written from the documentation alone: every layer, with and without resource and policy ARN, crossed with wrappings.
"""

from __future__ import annotations

import html
import itertools
import json
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from iamtui.denials.denial import Denial
from iamtui.denials.reader import find_denials
from tests.support.slow import one_quick

SESSION = "arn:aws:sts::111122223333:assumed-role/deploy/i-0abc@x.com"
USER = "arn:aws:iam::111122223333:user/a/b/ana+1"
RESOURCES = (
    "arn:aws:s3:::my-bucket/path/to/key.txt",
    "*",
    None,
    "arn:aws:execute-api:us-east-1:********3333:abc/prod/GET/",
    "arn:aws:logs:us-east-1:111122223333:log-group:/aws/lambda/x:log-stream:",
)
LAYERS = {
    "identity-based policy": "identity",
    "resource-based policy": "resource",
    "permissions boundary": "boundary",
    "session policy": "session",
    "sessions policy": "session",
    "service control policy": "scp",
    "resource control policy": "rcp",
    "VPC endpoint policy": "vpc_endpoint",
    "role trust policy": "resource",
}
POLICIES = {
    "scp": "arn:aws:organizations::999988887777:policy/o-abcdef/service_control_policy/p-abc12345",
    "rcp": "arn:aws:organizations::999988887777:policy/o-abcdef/resource_control_policy/p-abc12345",
    "boundary": "arn:aws:iam::111122223333:policy/team/bound",
    "session": "arn:aws:iam::aws:policy/ReadOnlyAccess",
    "identity": "arn:aws:iam::111122223333:policy/team/pol-1",
}

Told = tuple[str, str, str, str, tuple[str, ...], str]
"""Caller, action, resource, kind, layers, policy."""


def messages() -> Iterator[tuple[str, Told]]:
    for user, resource, quote in itertools.product((SESSION, USER), RESOURCES, ("", '"')):
        if quote and resource is None:
            continue
        on = "" if resource is None else f" on resource: {quote}{resource}{quote}"
        start = f"User: {user} is not authorized to perform: s3:GetObject{on}"

        def told(kind: str, *layers: str, policy: str = "", user: str = user, resource: str | None = resource) -> Told:
            return user, "s3:GetObject", resource or "", kind, layers, policy

        yield start, told("")
        yield f"{start} with an explicit deny", told("explicit")
        for words, layer in LAYERS.items():
            yield f"{start} because no {words} allows the s3:GetObject action", told("implicit", layer)
            for article in ("a", "an", "the"):
                yield f"{start} with an explicit deny in {article} {words}", told("explicit", layer)
            if policy := POLICIES.get(layer):
                yield f"{start} with an explicit deny in a {words}: {policy}", told("explicit", layer, policy=policy)
        through = "with an explicit deny in a VPC endpoint policy transitively through a service control policy"
        yield f"{start} {through}", told("explicit", "vpc_endpoint", "scp")


def rows(text: str, width: int) -> list[str]:
    return textwrap.wrap(text, width, break_long_words=False, break_on_hyphens=False)


BOTO = "An error occurred (AccessDenied) when calling the GetObject operation: "
GO = "operation error S3: GetObject, https response error StatusCode: 403, RequestID: 0A1B2C3D4E5F6071, HostID: abc=, "

WRAPPINGS: dict[str, Callable[[str], str]] = {
    "bare": lambda m: m,
    "with a full stop": lambda m: f"{m}.",
    "AWS CLI": lambda m: f"\n{BOTO}{m}\n",
    "a log": lambda m: f"2026-11-25T10:00:00Z [ERROR] worker-1 - failed: {m} (attempt 3)",
    "Java": lambda m: (
        f"com.amazonaws.services.s3.model.AmazonS3Exception: {m} (Service: Amazon S3; Status Code: 403; Error Code: "
        "AccessDenied; Request ID: 0A1B2C3D4E5F6071; S3 Extended Request ID: abc=; Proxy: null)"
    ),
    "Go": lambda m: f"{GO}api error AccessDenied: {m}",
    "Go, older": lambda m: f"AccessDenied: {m}\n\tstatus code: 403, request id: 6a0f5b6e-1111-2222-3333-444455556666",
    "Terraform": lambda m: (
        "╷\n│ Error: reading S3 Object: api error AccessDenied:\n"
        + "\n".join(f"│ {row}" for row in rows(m, 76))
        + '\n│ \n│   with data.aws_s3_object.x,\n│   on main.tf line 1, in data "aws_s3_object" "x":\n╵'
    ),
    "JSON": lambda m: json.dumps({"level": "error", "msg": m, "time": 1}),
    "JSON in JSON": lambda m: json.dumps({"log": json.dumps({"msg": m, "err": "AccessDenied"}) + "\n"}),
    "a Python dict": lambda m: repr({"Error": {"Code": "AccessDenied", "Message": m}, "HTTPStatusCode": 403}),
    "XML": lambda m: f"<Error><Code>AccessDenied</Code><Message>{html.escape(m)}</Message></Error>",
    "HTML, escaped twice": lambda m: f"<div>{html.escape(html.escape(m))}</div>",
    "colours": lambda m: "\x1b[31m" + m.replace("User:", "\x1b[1mUser:\x1b[0m") + "\x1b[0m",
    "a window of 80 columns": lambda m: "\n".join(m[at : at + 80] for at in range(0, len(m), 80)),
    "a narrow column": lambda m: "\n".join(rows(m, 48)),
    "a quoted mail": lambda m: "\n".join(f"> > {row}" for row in rows(m, 72)),
    "Markdown": lambda m: f"We got `{m}` today",
    "a sentence": lambda m: f"error: {m}; giving up",
    "Kubernetes": lambda m: f'E1125 controller.go:324] "Reconciler error" err={json.dumps(m)} controller="bucket"',
    "JavaScript": lambda m: (
        f"AccessDenied: {m}\n    at throwError (/app/index.js:388:20) {{\n  '$metadata': {{ httpStatusCode: 403 }}"
        ",\n  Code: 'AccessDenied',\n}"
    ),
    "PowerShell": lambda m: f"aws.exe : {BOTO}{m}\r\nAt line:1 char:1\r\n+ aws s3api get-object\r\n",
}


def facts(denial: Denial) -> Told:
    claim = denial.claim
    layers = tuple(layer.value for layer in claim.layers)
    return denial.caller, denial.action, denial.resource, claim.kind, layers, claim.policy


@pytest.mark.parametrize("name", WRAPPINGS)
def test_every_form_says_the_same_in_every_wrapping(name: str) -> None:
    wrong = []
    for text, told in messages():
        found = [facts(denial) for denial in find_denials(WRAPPINGS[name](text)).denials]
        if found != [told]:
            wrong.append((text, found))
    assert wrong == []


# One behind the other.

ROWS: list[dict[str, Any]] = json.loads((Path(__file__).parent / "denial_messages.json").read_text(encoding="utf-8"))
TEXTS = [
    *(row["text"] for row in ROWS),
    "User: cloudtrail.amazonaws.com is not authorized to perform: s3:PutObject on resource: arn:aws:s3:::trail/x",
    "An error occurred (NotAuthorized) when calling the Ask operation: Not authorized",
    "An error occurred (Forbidden) when calling the HeadBucket operation: Forbidden",
    "User: arn:aws:iam::111122223333:user/ana is not authorized to access this resource",
    "An error occurred (AccessDenied) when calling the ListBuckets operation: Access Denied",
]


def whole(denial: Denial) -> tuple[object, ...]:
    return facts(denial), denial.claim.words, denial.form, denial.code, denial.operation, denial.encoded


@pytest.mark.slow
@one_quick("between", ["\n", "\n\n", "\n2026-11-25T10:00:00Z ERROR "], ids=["line", "blank", "log"])
def test_no_message_takes_anything_from_its_neighbour(between: str) -> None:
    alone = [[whole(denial) for denial in find_denials(text).denials] for text in TEXTS]
    assert all(len(found) == 1 for found in alone)
    wrong = []
    for one, other in itertools.permutations(range(len(TEXTS)), 2):
        found = [whole(denial) for denial in find_denials(TEXTS[one] + between + TEXTS[other]).denials]
        if found != list(dict.fromkeys((*alone[one], *alone[other]))):
            wrong.append((TEXTS[one], TEXTS[other], found))
    assert wrong == []


CIPHERTEXT = (
    "User: arn:aws:iam::1:user/a is not authorized to perform: kms:Decrypt on the resource associated with this "
    "ciphertext because the resource does not exist in this Region, no resource-based policies allow access, or a "
    "resource-based policy explicitly denies access"
)


@pytest.mark.parametrize(
    ("text", "action", "note"),
    [
        (CIPHERTEXT, "kms:Decrypt", "KMS names no key here"),
        ("User: arn:aws:iam::1:user/a is not authorized to perform: [glue:GetTable, glue:GetTables]", "", ""),
        ("User: arn:aws:iam::1:user/a is not authorized to access this resource", "", ""),
    ],
)
def test_a_message_that_tells_little_is_found_all_the_same(text: str, action: str, note: str) -> None:
    (denial,) = find_denials(text).denials

    assert (denial.caller, denial.action, denial.claim.kind) == ("arn:aws:iam::1:user/a", action, "")
    assert note in " ".join(denial.notes)
    assert ("It does not say which action was refused." in denial.unknown) is (action == "")
