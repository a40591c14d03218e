"""What a snapshot says around the account's own entities: organization, resource policies, identity providers."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from msgspec import Raw

from iamtui.account.availability import Fact, Known, Missing
from iamtui.account.model import IdentityProvider, ResourcePolicy
from iamtui.account.organization import Organization, OrganizationLevel, OrganizationPolicy
from iamtui.account.snapshots.format import (
    LevelShape,
    OrganizationPolicyShape,
    OrganizationShape,
    SnapshotShape,
)
from iamtui.account.snapshots.reading import HOW_TO_MAKE_ONE
from iamtui.account.snapshots.record_parts import parse_time
from iamtui.policy.document import PolicyDocument
from iamtui.problem import Problem

DocumentOf = Callable[[Raw], PolicyDocument]
MissingBut = Callable[[str], Missing]
"""Gives the Missing for a fact that this permission would have given."""


def identity_providers(pages: Sequence[SnapshotShape], missing: MissingBut) -> Fact[tuple[IdentityProvider, ...]]:
    """The SAML and OIDC providers, when any page was asked for them."""
    asked = [page.identity_providers for page in pages if page.identity_providers is not None]
    if not asked:
        return missing("iam:ListSAMLProviders")
    return Known(
        tuple(
            IdentityProvider(
                arn=shape.arn,
                type=shape.type or ("SAML" if ":saml-provider/" in shape.arn else "OIDC"),
                name=shape.name or shape.arn.partition("-provider/")[2] or shape.arn,
                created=parse_time(shape.created),
                audiences=tuple(shape.audiences or ()),
            )
            for several in asked
            for shape in several
        )
    )


def organization(
    pages: Sequence[SnapshotShape], document: DocumentOf, missing: MissingBut
) -> Fact[Organization | None]:
    """The organization, as the last page that speaks of it says."""
    for page in reversed(pages):
        found = page.organization
        if isinstance(found, OrganizationShape):
            path = tuple(_level(shape, document, missing) for shape in found.path)
            delegates = found.delegated_administrators
            by_service = None if delegates is None else {service: tuple(ids) for service, ids in delegates.items()}
            return Known(Organization(found.id, found.management_account, path, by_service))
        if found is None:
            return Known(None)
    return missing("organizations:DescribeOrganization")


def _level(shape: LevelShape, document: DocumentOf, missing: MissingBut) -> OrganizationLevel:
    def policies(shapes: list[OrganizationPolicyShape] | None) -> Fact[tuple[OrganizationPolicy, ...]]:
        if shapes is None:
            return missing("organizations:ListPoliciesForTarget")
        return Known(tuple(OrganizationPolicy(one.arn, one.name, document(one.document)) for one in shapes))

    return OrganizationLevel(
        id=shape.id, name=shape.name, type=shape.type, scps=policies(shape.scps), rcps=policies(shape.rcps)
    )


def resource_policies(pages: Sequence[SnapshotShape], document: DocumentOf, origin: str) -> dict[str, ResourcePolicy]:
    """The resource policies by ARN.

    Raises:
        Problem: a state that is none, or "present" without a document.
    """
    found: dict[str, ResourcePolicy] = {}
    for page in pages:
        for arn, shape in (page.resource_policies or {}).items():
            present = shape.state == "present" and len(bytes(shape.document)) > 0
            if not present and shape.state not in ("none", "denied"):
                raise Problem(
                    f"{origin} is not an account at $.resource_policies[{arn[:200]!r}]: expected the state "
                    f'"present" with a document, "none" or "denied", found {shape.state[:40]!r}.',
                    HOW_TO_MAKE_ONE,
                )
            found[arn] = ResourcePolicy(shape.state, document(shape.document) if present else None, shape.permission)
    return found
