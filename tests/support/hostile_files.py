"""Files that nobody should have to read: noise, damage, swollen and twisted JSON and TOML, archives; by number."""

from __future__ import annotations

import gzip
import json
import random
import zlib
from collections.abc import Callable
from typing import Any, Final

from iamtui.account.snapshot_writer import snapshot_of
from tests.support.sample_account import sample_account

Maker = Callable[[random.Random, bytes, int], bytes]
"""Makes a file of a random source, a good file of the kind, and about how many bytes it may have."""

_POLICY: Final = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Sid": "a",
            "Effect": "Allow",
            "Action": ["s3:Get*"],
            "Resource": "*",
            "Condition": {"Bool": {"aws:x": "true"}},
        }
    ],
}
_REQUEST: Final = {
    "principal": "arn:aws:iam::123456789012:user/x",
    "action": "s3:GetObject",
    "resource": "arn:aws:s3:::b/x",
}
_DENIED: Final = (
    "2026-01-02T03:04:05Z An error occurred (AccessDenied) when calling the GetObject operation: User: "
    "arn:aws:iam::123456789012:user/ci-deploy is not authorized to perform: s3:GetObject on resource: "
    '"arn:aws:s3:::b/x" because no identity-based policy allows the s3:GetObject action\n'
)
_RECORD: Final = {
    "eventVersion": "1.08",
    "userIdentity": {"type": "IAMUser", "arn": "arn:aws:iam::123456789012:user/x", "accountId": "123456789012"},
    "eventTime": "2026-01-02T03:04:05Z",
    "eventSource": "s3.amazonaws.com",
    "eventName": "GetObject",
    "awsRegion": "eu-west-1",
    "errorCode": "AccessDenied",
    "errorMessage": "Access Denied",
    "requestParameters": {"bucketName": "b", "key": "x"},
}

CALLER: Final = next(user.arn for user in sample_account().users if user.name == "ci-deploy")

_LEVELS: Final = [
    {"id": id_, "name": name, "type": type_, "scps": [{"arn": "", "name": "p", "document": _POLICY}], "rcps": []}
    for id_, name, type_ in (("r-abcd", "Root", "ROOT"), (sample_account().id, "prod", "ACCOUNT"))
]

GOOD: Final[dict[str, bytes]] = {
    "snapshot": json.dumps(snapshot_of(sample_account())).encode(),
    "organization": json.dumps({"organization": {"id": "o-acme", "path": _LEVELS}}).encode()
    + b'{"command": "list-parents --child-id 111111111111", "output": {"Parents": [{"Id": "r-abcd", "Type": "ROOT"}]}}',
    "scenarios": "\n".join(
        [json.dumps({"request": _REQUEST, "identity_policies": [{"name": "p", "document": _POLICY}]})] * 5
    ).encode(),
    "policy": json.dumps(_POLICY).encode(),
    "log": (_DENIED * 3 + json.dumps({"Records": [_RECORD] * 3})).encode(),
    "trail": json.dumps({"Records": [{**_RECORD, "eventName": name} for name in ("GetObject", "PutObject")]}).encode(),
    "context": b'{"aws:SourceIp": ["203.0.113.9"], "aws:MultiFactorAuthPresent": true, "aws:username": null}',
    "session policy": json.dumps(_POLICY).encode(),
    "draft": json.dumps(
        {
            "iamtui_draft": 1,
            "account_id": sample_account().id,
            "edits": [{"edit": "PutInlinePolicy", "holder": CALLER, "name": "p", "document": _POLICY}],
        }
    ).encode(),
    "questions": json.dumps(
        {
            "version": 1,
            "history": [],
            "saved": [
                {
                    "name": "q",
                    "question": {"actions": ["s3:GetObject"], "resources": ["*"]},
                    "account": sample_account().id,
                    "principal": CALLER,
                    "expect": "denied",
                }
            ],
        }
    ).encode(),
    "config": b'theme = "iamtui-light"\n[clipboard]\nseconds = 20\n[keymap]\n"question.ask" = "f5,Z"\n',
    "theme": b'name = "x"\ndark = true\nprimary = "#ff0000"\n[variables]\nborder = "#00ff00"\n',
}
"""A good file of each kind."""

_KEYS: Final = (
    "UserDetailList", "RoleDetailList", "GroupDetailList", "Policies", "Records", "Statement", "request", "saved",
    "edits", "Condition", "Action", "Principal", "iamtui", "organization", "resource_policies", "user_details",
    "identity_policies", "version", "configurationItems", "Results",
    "UserName", "Tags", "GroupList", "InstanceProfileList", "Roles", "history",
)  # fmt: skip
_ATOMS: Final = (
    "{}", "[]", '""', "0", "null", "true", "1e999", "-0", "NaN", "9" * 400, '"\\ud800"', '"\\u0000"', "1.5",
    '{"":{}}', "[[]]", '"' + "x" * 200 + '"', '"**?*"', '{"UserName":"a"}', '{"RoleName":"a","Path":"/"}', '{"Key":""}',
    '{"PolicyName":"a","PolicyDocument":{}}', '"arn:aws:iam::123456789012:user/a"', '{"Effect":"Allow","Action":"*"}',
)  # fmt: skip


def _noise(rng: random.Random, _good: bytes, size: int) -> bytes:
    return rng.randbytes(size)


def _printable(rng: random.Random, _good: bytes, size: int) -> bytes:
    return bytes(rng.choices(b"{}[]\":, \n\\truefalsn0123456789=#'*?$-", k=min(size, 200_000))) * (size // 200_000 + 1)


def _damaged(rng: random.Random, good: bytes, _size: int) -> bytes:
    data = bytearray(good)
    for _ in range(rng.choice((1, 1, 2, 5, 50))):
        at = rng.randrange(len(data) + 1)
        match rng.randrange(4):
            case 0:
                data[at : at + 1] = rng.randbytes(1)
            case 1:
                del data[at : at + rng.randrange(1, 200)]
            case 2:
                data[at:at] = rng.choice(_ATOMS).encode()
            case _:
                data[at:at] = data[at : at + rng.randrange(1, 300)] * rng.randrange(1, 20)
        data = data or bytearray(b"{")
    return bytes(data)


def _cut(rng: random.Random, good: bytes, _size: int) -> bytes:
    return good[: rng.randrange(len(good) + 1)]


def _good_then_noise(rng: random.Random, good: bytes, size: int) -> bytes:
    return good + rng.choice((b"", b"\n", b",", b"\0")) + rng.randbytes(size)


def _head_then_noise(rng: random.Random, _good: bytes, size: int) -> bytes:
    key = rng.choice(_KEYS)
    return f'{{"{key}": "{"x" * 70_000}", "a": '.encode() + rng.randbytes(size).replace(b"\0", b"x")


def _repeated(rng: random.Random, good: bytes, size: int) -> bytes:
    between = rng.choice((b"", b"\n", b",", b" "))
    return (good + between) * max(1, size // (len(good) + 1))


def _deep(rng: random.Random, _good: bytes, size: int) -> bytes:
    opening = rng.choice((b"[", b'{"a":', b'[{"Statement":', b'{"UserDetailList":[', b"[[],"))
    return opening * (size // len(opening))


def _list_of_atoms(rng: random.Random, _good: bytes, size: int) -> bytes:
    atom = rng.choice(_ATOMS)
    inside = ",".join([atom] * max(1, size // (len(atom) + 1)))
    match rng.randrange(4):
        case 0:
            return f"[{inside}]".encode()
        case 1:
            return f'{{"{rng.choice(_KEYS)}": [{inside}]}}'.encode()
        case 2:
            return f'{{"UserDetailList": [{{"UserName": "a", "{rng.choice(_KEYS)}": [{inside}]}}]}}'.encode()
        case _:
            return inside.replace(",", "\n").encode()


def _object_of_atoms(rng: random.Random, _good: bytes, size: int) -> bytes:
    atom, same = rng.choice(_ATOMS), rng.random() < 0.2
    count = max(1, size // (len(atom) + 12))
    inside = ",".join(f'"k{0 if same else number}": {atom}' for number in range(count))
    return (f"{{{inside}}}" if rng.random() < 0.5 else f'{{"{rng.choice(_KEYS)}": {{{inside}}}}}').encode()


def _one_long_text(rng: random.Random, _good: bytes, size: int) -> bytes:
    piece = rng.choice(
        ("x", "*", "a*", "\\u0041", "é", "😀", "\\\\", '\\"', " ", "arn:aws:iam::", "is not authorized to ")
    )
    text = piece * (size // len(piece.encode()))
    return (
        rng.choice(('{{"{key}": "{text}"}}', '["{text}"]', "{text}", '{key} = "{text}"', '{{"{key}": ["{text}"]}}'))
        .format(key=rng.choice(_KEYS), text=text)
        .encode()
    )


def _white(rng: random.Random, good: bytes, size: int) -> bytes:
    return rng.choice((b" ", b"\n", b"\t", b"\r\n", b"\xef\xbb\xbf")) * size + rng.choice((b"", good))


def _other_encoding(rng: random.Random, good: bytes, _size: int) -> bytes:
    data = good.decode().encode(rng.choice(("utf-16", "utf-16-be", "utf-32", "utf-8-sig", "cp037")))
    return data[: rng.randrange(len(data))] if rng.random() < 0.3 else data


def _archive(rng: random.Random, good: bytes, size: int) -> bytes:
    inside = rng.choice(
        (good * 50, b"\0" * size * 20, b" " * size * 20, b"a" * size * 20, _DENIED.encode() * (size // 20))
    )
    packed = gzip.compress(inside, 9)
    match rng.randrange(5):
        case 0:
            return packed[: rng.randrange(len(packed))]
        case 1:
            return packed * rng.randrange(1, 10)
        case 2:
            return gzip.compress(packed)
        case 3:
            return packed + rng.randbytes(100)
        case _:
            return packed if rng.random() < 0.8 else zlib.compress(inside)


def _long_lines(rng: random.Random, _good: bytes, size: int) -> bytes:
    line = rng.choice(
        (_DENIED, json.dumps(_RECORD), json.dumps({"request": _REQUEST}), "User: " * 50, "{" * 200, "a=b ")
    )
    joined = rng.choice(("\n", " ", ""))
    return (line + joined).encode() * max(1, size // len(line))


def _odd_values(rng: random.Random, good: bytes, _size: int) -> bytes:
    """The good file with one value in it replaced by one of another kind."""
    try:
        value = json.loads(good.splitlines()[0])
    except ValueError:
        return good.replace(b"=", rng.choice((b"==", b"", b"=[", b"= {a=")), 1)
    at: Any = value
    while isinstance(at, dict | list) and at:
        key = rng.choice(list(at)) if isinstance(at, dict) else rng.randrange(len(at))
        if rng.random() < 0.3 or not isinstance(at[key], dict | list) or not at[key]:
            at[key] = json.loads(rng.choice([atom for atom in _ATOMS if "NaN" not in atom]))
            break
        at = at[key]
    return json.dumps(value).encode()


MAKERS: Final[tuple[Maker, ...]] = (
    _noise, _printable, _damaged, _damaged, _cut, _good_then_noise, _head_then_noise, _repeated, _deep, _list_of_atoms,
    _list_of_atoms, _object_of_atoms, _one_long_text, _white, _other_encoding, _archive, _long_lines, _odd_values,
    _odd_values,
)  # fmt: skip

_SIZES: Final = (0, 1, 10, 100, 1000, 10_000, 100_000, 100_000, 1_000_000)
LARGE: Final = 30_000_000
"""Bytes of one file in a hundred. Scenarios are answered one by one, so that time goes with their number."""


def hostile_file(kind: str, number: int) -> bytes:
    """The hostile file of that number: always the same, whatever was made before."""
    rng = random.Random(f"{kind} {number}")
    size = LARGE if number % 100 == 99 and kind != "scenarios" else rng.choice(_SIZES)
    return MAKERS[number % len(MAKERS)](rng, GOOD[kind], size)
