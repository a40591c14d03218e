"""Why nothing is answered, and what to do about it: where there is no question, or nobody to ask it for. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    # They bring in the engine, which is not loaded before the first frame.
    from iamtui.analysis.inquiry import Inquiry
    from iamtui.evaluation.request import Principal
    from iamtui.workspace.workspace import Workspace


def why_not(inquiry: Inquiry, workspace: Workspace | None, principal: Principal | None) -> str:
    """A sentence that says what is missing for an answer, or "" when nothing is."""
    if workspace is None:
        return "Open an account to ask about it."
    if not inquiry.actions:
        return "Press F5 and type an action such as s3:GetObject."
    if principal is not None:
        return ""
    if not (workspace.account.users or workspace.account.roles):
        return "This account has no user and no role: there is nobody to ask for."
    return "Move to a user or role in the tree: the question is answered for it."
