"""Two accounts as files: some of the first may use a role and a bucket of the second."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.snapshot_builder import ID, allow, document, iam, inline, role, snapshot, trust, user

OTHER = "444455556666"
BUCKET = "arn:aws:s3:::lake"
TARGET = f"arn:aws:iam::{OTHER}:role/target"


def of_other(value: Any) -> Any:
    """What the builder makes, in the other account."""
    return json.loads(json.dumps(value).replace(ID, OTHER))


@pytest.fixture
def files(tmp_path: Path) -> tuple[str, str]:
    """Two accounts: alice and ci of the first are let in by a role and a bucket of the second, each in its own way."""
    one = snapshot(
        users=[
            user("alice", UserPolicyList=[inline("may", document(allow("sts:AssumeRole", TARGET)))]),
            user("bob", UserPolicyList=[inline("reads", document(allow("s3:GetObject", f"{BUCKET}/*")))]),
            user("both"),
        ],
        roles=[role("ci"), role("same")],
    )
    other = snapshot(
        users=of_other([user("both"), user("owner", UserPolicyList=[inline("all", document(allow("*")))])]),
        roles=[
            *of_other([role("same")]),
            role("target", Arn=TARGET, AssumeRolePolicyDocument=trust({"AWS": iam("root")})),
        ],
        resource_policies={
            BUCKET: {
                "state": "present",
                "document": document(
                    {
                        "Effect": "Allow",
                        "Principal": {"AWS": iam("user/bob")},
                        "Action": "s3:*",
                        "Resource": f"{BUCKET}/*",
                    },
                    {
                        "Effect": "Allow",
                        "Principal": {"AWS": iam("role/ci")},
                        "Action": "s3:*",
                        "Resource": f"{BUCKET}/*",
                    },
                ),
            },
        },
    )
    paths = (tmp_path / "one.json", tmp_path / "other.json")
    for path, value in zip(paths, (one, other), strict=True):
        path.write_text(json.dumps(value))
    return str(paths[0]), str(paths[1])
