"""An inquiry in a line: what is asked, and on what terms. Pure; raw text."""

from __future__ import annotations

from iamtui.analysis.inquiry import Inquiry
from iamtui.evaluation.request import Mode
from iamtui.tui.widgets.question.context import write_context
from iamtui.workspace.questions.verdict import SHORT_LAYER_NAMES


def summary_of(inquiry: Inquiry) -> str:
    """Actions and resources."""
    actions, resources = " ".join(inquiry.actions), " ".join(inquiry.resources)
    return f"{actions} on {resources}" if resources != "*" else actions


def terms_of(inquiry: Inquiry) -> str:
    """Context, mode, layers left out, where, and how the caller comes; "" when all of it is as usual."""
    terms = inquiry.terms
    parts = [write_context(terms.context)] if terms.context else []
    if terms.mode is Mode.STRICT:
        parts.append("strict")
    if terms.layers_off:
        parts.append(f"without {', '.join(SHORT_LAYER_NAMES[layer] for layer in sorted(terms.layers_off))}")
    if terms.resource_account:
        parts.append(f"resource of account {terms.resource_account}")
    if terms.region:
        parts.append(f"region {terms.region}")
    if inquiry.chained_from:
        parts.append(f"chained from {inquiry.chained_from}")
    if terms.session_policies:
        parts.append("with a session policy")
    if inquiry.with_checks:
        parts.append(f"with {', '.join(inquiry.with_checks)}")
    return "  ".join(parts)
