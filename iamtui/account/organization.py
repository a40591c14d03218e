"""Where an account stands in its organization, and the SCPs and RCPs attached at every level above it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from iamtui.account.availability import Fact
from iamtui.policy.document import PolicyDocument

IAM_SERVICE: Final = "iam.amazonaws.com"
"""Under which the delegated administrators for IAM stand."""

ORGANIZATION_GAP: Final = "organization: SCPs and RCPs"
"""What the gap is called when the organization is Missing."""


@dataclass(frozen=True, slots=True)
class OrganizationPolicy:
    """One SCP or RCP attached to one level."""

    arn: str
    name: str
    document: PolicyDocument


@dataclass(frozen=True, slots=True)
class OrganizationLevel:
    """One step of the way from the root to the account.

    Args:
        id: root, OU or account id ("r-ab12", "ou-ab12-x", "123456789012").
        name: its name.
        type: "ROOT", "ORGANIZATIONAL_UNIT" or "ACCOUNT".
        scps: the attached SCPs, FullAWSAccess included; Missing when they could not be read.
        rcps: likewise for RCPs.
    """

    id: str
    name: str
    type: str
    scps: Fact[tuple[OrganizationPolicy, ...]]
    rcps: Fact[tuple[OrganizationPolicy, ...]]


@dataclass(frozen=True, slots=True)
class Organization:
    """An organization as seen from one of its accounts.

    Args:
        id: "o-...".
        management_account: 12 digits.
        path: the levels from the root (first) to the account itself (last).
        delegated_administrators: by service principal, the accounts that administer that service for the
            organization; None: not known.
    """

    id: str
    management_account: str
    path: tuple[OrganizationLevel, ...]
    delegated_administrators: Mapping[str, tuple[str, ...]] | None = None

    @property
    def org_path(self) -> str:
        """The value of aws:PrincipalOrgPaths: `o-id/r-id/ou-id/.../`, without the account."""
        steps = [level.id for level in self.path if level.type != "ACCOUNT"]
        return "/".join([self.id, *steps]) + "/"
