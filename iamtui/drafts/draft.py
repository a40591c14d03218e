"""A what-if: the kinds of edits, one class each, and the Draft that holds edits of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Final, TypeAlias

from msgspec import Meta, Struct, structs

from iamtui.account.model import Account
from iamtui.drafts.edits.base import describe_edit
from iamtui.drafts.edits.deletions import (
    DeleteAccessKey,
    DeleteLoginProfile,
    DeletePolicy,
    DeleteRole,
    DeleteUser,
)
from iamtui.drafts.edits.organization import DetachOrganizationPolicy, PutOrganizationPolicy
from iamtui.drafts.edits.policies import (
    DeleteInlinePolicy,
    DeleteResourcePolicy,
    PutInlinePolicy,
    PutManagedPolicy,
    PutResourcePolicy,
)
from iamtui.drafts.edits.principals import (
    AddUserToGroup,
    AttachPolicy,
    CreateRole,
    DeletePermissionsBoundary,
    DetachPolicy,
    PutPermissionsBoundary,
    RemoveUserFromGroup,
    UpdateTrustPolicy,
)
from iamtui.drafts.words import RCP, SCP
from iamtui.policy.types import PolicyType

Edit: TypeAlias = (
    AttachPolicy
    | DetachPolicy
    | PutInlinePolicy
    | DeleteInlinePolicy
    | PutManagedPolicy
    | AddUserToGroup
    | RemoveUserFromGroup
    | PutPermissionsBoundary
    | DeletePermissionsBoundary
    | UpdateTrustPolicy
    | PutOrganizationPolicy
    | DetachOrganizationPolicy
    | PutResourcePolicy
    | DeleteResourcePolicy
    | CreateRole
    | DeleteRole
    | DeleteUser
    | DeleteAccessKey
    | DeleteLoginProfile
    | DeletePolicy
)
"""The kinds of edits; a new one needs its class and its name here."""

EDIT_KINDS: Final[dict[str, type[Edit]]] = {kind.__name__: kind for kind in Edit.__args__}
"""The kinds of edits by the names that the file has for them."""


class Draft(Struct, frozen=True, tag_field="iamtui_draft", tag=1, forbid_unknown_fields=True):
    """A what-if: edits laid over an account, oldest first."""

    account_id: Annotated[str, Meta(pattern=r"^[0-9]{12}$", description="the 12 digits of the account's id")]
    name: Annotated[str, Meta(description="a text, what the draft is called")] = ""
    edits: Annotated[tuple[Edit, ...], Meta(description="a list of edits")] = ()

    def with_edit(self, edit: Edit) -> Draft:
        return self.with_edits((*self.edits, edit))

    def with_edits(self, edits: tuple[Edit, ...]) -> Draft:
        """The draft with these edits instead of its own."""
        return structs.replace(self, edits=edits)

    def named(self, name: str) -> Draft:
        return structs.replace(self, name=name)

    def undone(self) -> Draft:
        """The draft without its last edit; an empty draft stays as it is."""
        return self.with_edits(self.edits[:-1])

    def words_of(self, index: int, account: Account) -> str:
        """One of its edits of an account in words, safe to show."""
        return describe_edit(self.edits[index], account, self.edits[:index])

    def without(self, index: int) -> Draft:
        return self.with_edits((*self.edits[:index], *self.edits[index + 1 :]))


@dataclass(frozen=True, slots=True)
class DocumentKind:
    """What the documents of a kind are used as, and the edits that put one in place and take it away.

    Args:
        put: of the owner's ARN or level's id, the name and the text.
        delete: of the owner and the name; None where a document must always stand.
    """

    policy_type: PolicyType
    put: Callable[[str, str, str], Edit]
    delete: Callable[[str, str], Edit] | None


DOCUMENT_KINDS: Final = {
    "inline": DocumentKind(PolicyType.IDENTITY, PutInlinePolicy, DeleteInlinePolicy),
    "managed": DocumentKind(PolicyType.IDENTITY, lambda arn, _name, text: PutManagedPolicy(arn, text), None),
    "trust": DocumentKind(PolicyType.TRUST, lambda arn, _name, text: UpdateTrustPolicy(arn, text), None),
    "resource": DocumentKind(
        PolicyType.RESOURCE,
        lambda arn, _name, text: PutResourcePolicy(arn, text),
        lambda arn, _name: DeleteResourcePolicy(arn),
    ),
    "scp": DocumentKind(
        PolicyType.SCP,
        lambda level, name, text: PutOrganizationPolicy(SCP, level, name, text),
        lambda level, name: DetachOrganizationPolicy(SCP, level, name),
    ),
    "rcp": DocumentKind(
        PolicyType.RCP,
        lambda level, name, text: PutOrganizationPolicy(RCP, level, name, text),
        lambda level, name: DetachOrganizationPolicy(RCP, level, name),
    ),
}
"""By the first part of the edits' subjects."""
