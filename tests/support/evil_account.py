"""An account whose texts attack whoever shows them, in every field that AWS, or a file, lets them into.

AWS itself lets markup into paths (`[\\u0021-\\u007E]`), descriptions and tags, and C1 controls and `\\u001b` escapes
into policy documents; a snapshot file lets anything into everything.
"""

from __future__ import annotations

from typing import Any, Final

from iamtui.account.authorization_details import load_account
from iamtui.account.model import Account
from tests.support.snapshot_builder import (
    ID,
    allow,
    as_bytes,
    attached,
    document,
    group,
    iam,
    inline,
    policy,
    role,
    snapshot,
    trust,
    user,
)

CLIPBOARD: Final = "\x1b]52;c;cHduZWQ=\x07"
"""Would write "pwned" to the clipboard of the terminal it is printed to."""

PAYLOADS: Final = {
    "markup": "[red]x[/]",
    "broken markup": "[/oops]",
    "action": "[@click=app.quit]quit[/]",
    "clipboard": CLIPBOARD,
    "csi": "\x1b[2J\x1b[31m",
    "c1": "\x9b31m\x9d52;c;cHduZWQ=\x9c",
    "bidi": "\u202egnp.exe\u2066",
    "zero width": "ad\u200bmin\u2060\ufeff",
    "controls": "\x00\x07\x08\r\n\t\x7f",
    "tag characters": "\U000e0041",
}

EVIL: Final = " ".join(PAYLOADS.values())
"""All of them."""

EVIL_PATH: Final = "/[red]x[/]/[/oops]/[@click=app.quit]/"
"""As hostile as AWS lets a path be."""

EVIL_RESOURCE: Final = f"arn:aws:s3:::bucket/{EVIL}"

EVIL_CONFIG: Final = "[profile '\x1b]52;c;cHduZWQ=\x07 [red]x[/]']\nregion = eu-central-1\n"
"""An AWS config file with a hostile profile name."""


def evil_snapshot() -> dict[str, Any]:
    """The JSON of the account."""
    body = document(
        allow("s3:GetObject", EVIL_RESOURCE, Sid=EVIL, Condition={"StringEquals": {f"aws:PrincipalTag/{EVIL}": EVIL}}),
        allow("s3:PutObject", EVIL_RESOURCE),
    )
    tags = [{"Key": EVIL, "Value": EVIL}, *({"Key": name, "Value": text} for name, text in PAYLOADS.items())]
    evil_policy = policy(EVIL, EVIL_PATH, body, Description=EVIL, Tags=tags)
    return snapshot(
        users=[
            user("mallory", EVIL_PATH, Tags=tags, UserPolicyList=[inline(EVIL, body)]),
            user(
                EVIL,
                EVIL_PATH,
                GroupList=[EVIL],
                Tags=tags,
                AttachedManagedPolicies=[attached(evil_policy["Arn"]), attached(f"arn:aws:iam::aws:policy/{EVIL}")],
            ),
        ],
        groups=[group(EVIL, EVIL_PATH, GroupPolicyList=[inline(EVIL, body)])],
        roles=[
            role(
                EVIL,
                EVIL_PATH,
                Tags=tags,
                AssumeRolePolicyDocument=trust({"AWS": EVIL, "Federated": EVIL}, Sid=EVIL),
                RolePolicyList=[inline(EVIL, body), inline("unreadable", '{"Statement": ' + EVIL)],
                RoleLastUsed={"LastUsedDate": "2026-11-01T00:00:00Z", "Region": EVIL},
                InstanceProfileList=[
                    {"InstanceProfileName": EVIL, "Arn": iam(f"instance-profile{EVIL_PATH}{EVIL}"), "Tags": tags}
                ],
            ),
            role(f"AWSReservedSSO_{EVIL}_0", f"/aws-reserved{EVIL_PATH}"),
        ],
        policies=[evil_policy],
        identity_center={
            "instance": EVIL,
            "permission_sets": [
                {"arn": EVIL, "name": EVIL, "assignees": [{"type": kind, "id": EVIL} for kind in ("USER", "GROUP")]}
            ],
            "groups": [{"id": EVIL, "name": EVIL, "members": None}],
            "people": [{"id": EVIL, "user_name": EVIL, "display_name": f"{EVIL} x"}],
            "unread": [EVIL],
        },
        iamtui={"version": 1, "account_id": ID, "alias": EVIL, "caller": iam(f"user{EVIL_PATH}mallory")},
        organization={
            "id": f"o-{EVIL}",
            "management_account": ID,
            "path": [
                {
                    "id": "r-ab12",
                    "name": EVIL,
                    "type": "ROOT",
                    "scps": [{"arn": EVIL, "name": EVIL, "document": document(allow("*"))}],
                    "rcps": None,
                },
                {"id": ID, "name": EVIL, "type": "ACCOUNT", "scps": None, "rcps": None},
            ],
        },
        resource_policies={
            f"arn:aws:s3:::{EVIL}": {"state": "present", "document": document(allow("s3:*", Principal=EVIL))},
            "arn:aws:s3:::closed": {"state": "denied", "permission": EVIL},
        },
        role_details={EVIL: {"Description": EVIL, "MaxSessionDuration": 3600}},
        access_keys={EVIL: [{"AccessKeyId": EVIL, "Status": EVIL, "ServiceName": EVIL, "Region": EVIL}]},
        mfa_devices={EVIL: [{"SerialNumber": EVIL}]},
        identity_providers=[{"arn": iam(f"saml-provider/{EVIL}"), "type": EVIL, "name": EVIL, "audiences": [EVIL]}],
        missing=[{"what": EVIL, "permission": EVIL, "error": EVIL}],
    )


def evil_account() -> Account:
    """The account, loaded as from a file."""
    return load_account(as_bytes(evil_snapshot()))
