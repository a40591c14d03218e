"""The grant side: who may let the caller in, and which caps bind which grant.

IAM User Guide: policy evaluation logic, within one account and across accounts; the effect of the form of
principal that a resource-based policy names.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from iamtui.policy.formula import Truth, all_of, any_of
from iamtui.policy.principal import Strength

ALONE = (Strength.SESSION, Strength.USER, Strength.WILDCARD)
"""The forms of principal that let a caller of the account in by themselves."""
WITHIN_CAPS = (Strength.ROLE, Strength.ISSUER)
"""Those that let it in as far as its boundary and session policies do."""


@dataclass(slots=True)
class GrantSide:
    """Everything that granting rests on.

    Args:
        resource_only: an anonymous, service or federation caller, who needs only the resource side.
        same_account: caller and resource are in one account.
        is_root: the caller is a root user.
        must_admit: the resource side is mandatory even in one account.
        strengths: by which forms the resource policy's Allows reach the caller.
        identity: whether an identity policy allows.
        boundary, session: whether these caps pass (True when absent).
        role_grant_limited: whether the boundary limits a grant to a role ARN.
    """

    resource_only: bool
    same_account: bool
    is_root: bool
    must_admit: bool
    strengths: Mapping[Strength, Truth]
    identity: Truth
    boundary: Truth
    session: Truth
    role_grant_limited: bool = True

    @property
    def any_grant(self) -> Truth:
        """Whether the resource policy reaches the caller by any form."""
        return any_of(self.strengths.values())

    def truth(self) -> Truth:
        """Whether the request is granted, caps of the caller included."""
        if self.resource_only:
            return self.any_grant
        if self.is_root:
            return True if self.same_account and not self.must_admit else self.any_grant
        caps = True if self.boundary is True and self.session is True else all_of((self.boundary, self.session))
        if not self.same_account:
            return all_of((self.any_grant, self.identity, caps))
        strengths = self.strengths
        if not strengths:
            if self.must_admit:
                return False
            return self.identity if caps is True else all_of((self.identity, caps))
        ways: list[Truth] = [strengths[strength] for strength in ALONE if strength in strengths]
        capped = any_of(strengths[strength] for strength in WITHIN_CAPS if strength in strengths)
        ways.append(all_of((capped, caps if self.role_grant_limited else self.session)))
        through_identity = all_of((self.identity, caps))
        ways.append(all_of((through_identity, self.any_grant)) if self.must_admit else through_identity)
        return any_of(ways)
