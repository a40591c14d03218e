"""From a denial that was explained to the main screen: go to the principal, put the question, say how they agree."""

from __future__ import annotations

from iamtui.account.model import Role
from iamtui.evaluation.request import Principal, PrincipalKind
from iamtui.tui.safe import line
from iamtui.tui.screens.asked_from import AskedFrom
from iamtui.tui.screens.denials.listing import short_claim, short_name
from iamtui.tui.screens.denials.report import DenialReportScreen, agreement_words
from iamtui.tui.screens.denials.screen import DenialScreen
from iamtui.workspace.denials.explaining import ExplainedDenial
from iamtui.workspace.workspace import Workspace


def open_denials(screen: AskedFrom, workspace: Workspace) -> None:
    """Let the user paste a denial; what they choose is asked on the main screen."""

    def chosen(explained: ExplainedDenial | None) -> None:
        screen.kept_denials = dialog.kept
        if explained is not None and screen.source_workspace is workspace:
            _arrive(screen, workspace, explained)

    dialog = DenialScreen(workspace, kept=screen.kept_denials)
    screen.app.push_screen(dialog, chosen)


def _arrive(screen: AskedFrom, workspace: Workspace, explained: ExplainedDenial) -> None:
    principal, question = explained.principal, explained.question
    if principal is not None:
        key = _node_of(workspace, principal)
        if key:
            screen.go_to(key)
        if question is not None:
            screen.ask_about(principal, _label(principal), question)
    # The mark of the agreement is all the mark that the line needs, and the layer all the reason: there is little room.
    said = short_claim(explained.denial)
    screen.say(line(agreement_words(explained), ("  AWS: ", "$muted"), said), stays=True)
    if not explained.explained:
        screen.app.push_screen(DenialReportScreen(explained, workspace.account))


def _node_of(workspace: Workspace, principal: Principal) -> str:
    """The ARN of the user or role in the tree behind a caller, or ""."""
    account = workspace.account
    if principal.account != account.id:
        return ""
    if principal.role_name:
        role: Role | None = account.role(principal.role_name)
        return role.arn if role is not None else ""
    return principal.arn if account.by_arn(principal.arn) is not None else ""


def _label(principal: Principal) -> str:
    kinds = {PrincipalKind.USER: "user/", PrincipalKind.ROLE: "role/", PrincipalKind.ROLE_SESSION: "role/"}
    return f"{kinds.get(principal.kind, '')}{short_name(principal.arn) or 'anonymous'}"
