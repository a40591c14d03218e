"""Drafts over an account with something of everything, and what they are exported as."""

from __future__ import annotations

import json
from dataclasses import replace

from iamtui.account.model import Account, Known, Organization, OrganizationLevel, OrganizationPolicy
from iamtui.drafts.draft import Draft, Edit
from iamtui.drafts.edits.organization import DetachOrganizationPolicy, PutOrganizationPolicy
from iamtui.drafts.exports import export
from tests.support.applied_drafts import account_after
from tests.support.sample_account import ID, allow, document, sample_workspace

MANAGEMENT = "999999999999"


def account() -> Account:
    """The sample account in an organization with one SCP of its own at two levels."""
    scp = OrganizationPolicy(
        f"arn:aws:organizations::{MANAGEMENT}:policy/o-a/service_control_policy/p-regions",
        "regions",
        document(allow("*")),
    )
    full = OrganizationPolicy(
        "arn:aws:organizations::aws:policy/service_control_policy/p-FullAWSAccess",
        "FullAWSAccess",
        document(allow("*")),
    )
    path = tuple(
        OrganizationLevel(level, name, kind, Known(scps), Known(()))
        for level, name, kind, scps in (
            ("r-ab12", "Root", "ROOT", (full, scp)),
            ("ou-ab12-x", "prod", "ORGANIZATIONAL_UNIT", (full, scp)),
            (ID, "lake", "ACCOUNT", (full,)),
        )
    )
    return replace(
        sample_workspace().account, organization=Known(Organization("o-a", MANAGEMENT, path)), resource_policies={}
    )


def draft(*edits: Edit, name: str = "fix") -> Draft:
    """A draft over that account."""
    return Draft(ID, name, edits)


def exported(form: str, *edits: Edit, before: Account | None = None, note: str = "") -> str:
    """What edits are exported as in a form."""
    known = before or account()
    made = draft(*edits)
    return export(made, known, account_after(known, made), form, note=note)


POLICY = json.dumps({"Version": "2012-10-17", "Statement": [allow("s3:GetObject", "arn:aws:s3:::x/${aws:username}/*")]})


def organization_edits() -> tuple[Edit, ...]:
    """An SCP that is created and attached twice, one that gets another document, and one that is detached."""
    kind = "SERVICE_CONTROL_POLICY"
    return (
        PutOrganizationPolicy(kind, "ou-ab12-x", "no (root) it's", POLICY),
        PutOrganizationPolicy(kind, ID, "no (root) it's", POLICY),
        PutOrganizationPolicy(kind, "r-ab12", "regions", POLICY),
        DetachOrganizationPolicy(kind, "ou-ab12-x", "regions"),
    )


RESOURCES = {
    "arn:aws:s3:::lake": ("s3api", "put-bucket-policy", "--policy"),
    f"arn:aws:kms:eu-west-1:{ID}:key/k1": ("kms", "put-key-policy", "--policy"),
    f"arn:aws:sns:eu-west-1:{ID}:t": ("sns", "set-topic-attributes", "--attribute-value"),
    f"arn:aws:secretsmanager:eu-west-1:{ID}:secret:s-AbCdEf": (
        "secretsmanager",
        "put-resource-policy",
        "--resource-policy",
    ),
    f"arn:aws:ecr:eu-west-1:{ID}:repository/team/app": ("ecr", "set-repository-policy", "--policy-text"),
    f"arn:aws:dynamodb:eu-west-1:{ID}:table/t": ("dynamodb", "put-resource-policy", "--policy"),
    f"arn:aws:elasticfilesystem:eu-west-1:{ID}:file-system/fs-1": ("efs", "put-file-system-policy", "--policy"),
    f"arn:aws:events:eu-west-1:{ID}:event-bus/b": ("events", "put-permission", "--policy"),
}
"""Resources whose policies a draft may edit: service, verb and option of the AWS CLI."""
