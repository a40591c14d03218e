"""AssumeExtras: what few callers send with sts:AssumeRole, and what stays with the session."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

REQUEST_TAG: Final = "aws:requesttag/"
"""The family of keys, in lower case, that session tags become in the request."""

_SOURCE_IDENTITY: Final = "sts:SourceIdentity"
_SESSION_SOURCE_IDENTITY: Final = "aws:SourceIdentity"
_PRINCIPAL_TAG: Final = "aws:principaltag/"
_TAG_KEYS: Final = "aws:TagKeys"
_TRANSITIVE_KEYS: Final = "sts:TransitiveTagKeys"


@dataclass(frozen=True, slots=True)
class AssumeExtras:
    """What few callers send: everything of sts:AssumeRole that has no answer in the role.

    Args:
        policy: JSON text of an inline session policy, or "".
        policy_arns: managed session policies.
        tags: session tags, as pairs of key and value.
        transitive_tag_keys: keys of `tags` that role chaining passes on.
        source_identity: what no later session can change, or "".
    """

    policy: str = ""
    policy_arns: tuple[str, ...] = ()
    tags: tuple[tuple[str, str], ...] = ()
    transitive_tag_keys: tuple[str, ...] = ()
    source_identity: str = ""

    @property
    def actions(self) -> tuple[str, ...]:
        """What the trust policy and the caller's policies must allow (IAM User Guide: Pass session tags; Monitor
        and control actions taken with assumed roles)."""
        return (
            "sts:AssumeRole",
            *(("sts:TagSession",) if self.tags else ()),
            *(("sts:SetSourceIdentity",) if self.source_identity else ()),
        )

    @property
    def context(self) -> dict[str, tuple[str, ...]]:
        """The condition keys that these put into the request; an empty tuple says that it lacks the key."""
        return {
            _SOURCE_IDENTITY: (self.source_identity,) if self.source_identity else (),
            _TAG_KEYS: tuple(key for key, _ in self.tags),
            _TRANSITIVE_KEYS: self.transitive_tag_keys,
            **{f"{REQUEST_TAG}{key.lower()}": (value,) for key, value in self.tags},
        }

    @property
    def principal_context(self) -> dict[str, tuple[str, ...]]:
        """The condition keys that a session made with these carries into its own requests."""
        tags = {f"{_PRINCIPAL_TAG}{key.lower()}": (value,) for key, value in self.tags}
        return {**tags, **({_SESSION_SOURCE_IDENTITY: (self.source_identity,)} if self.source_identity else {})}

    def inherited_by(self, others: AssumeExtras) -> AssumeExtras:
        """What a session is made with when a session made with these assumes it: transitive tags and the source
        identity go along (IAM User Guide: Pass session tags, chaining roles)."""
        own = {key.lower() for key, _ in others.tags}
        passed_on = {key.lower() for key in self.transitive_tag_keys}
        tags = tuple(tag for tag in self.tags if tag[0].lower() in passed_on and tag[0].lower() not in own)
        return replace(
            others,
            tags=(*others.tags, *tags),
            transitive_tag_keys=(*others.transitive_tag_keys, *(key for key, _ in tags)),
            source_identity=others.source_identity or self.source_identity,
        )


NO_EXTRAS: Final = AssumeExtras()
