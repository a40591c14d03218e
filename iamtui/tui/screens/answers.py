"""The way from the main screen to the screens of answers: who can, a second opinion, a document. Loads them late."""

from __future__ import annotations

from typing import TYPE_CHECKING

from iamtui.tui.safe import plain
from iamtui.tui.screens.asked_from import AskedFrom
from iamtui.tui.widgets.notice import Notice
from iamtui.tui.widgets.question.panel import QuestionPanel
from iamtui.workspace.workspace import SourceKind, Workspace

if TYPE_CHECKING:
    # They bring in the engine, which is not loaded before the first frame.
    from iamtui.account.model import Account
    from iamtui.evaluation.decision import Decision, StatementRef
    from iamtui.evaluation.request import Principal


def open_who_can(main: AskedFrom, before: Workspace | None = None) -> None:
    """Put the question to everybody on a screen of its own; choosing somebody there goes to them in the tree.

    Args:
        before: the account without the draft that is open, or None.
    """
    from iamtui.tui.screens.who_can.screen import WhoCanScreen  # noqa: PLC0415 - the engine is not loaded before the first frame

    workspace, inquiry = main.workspace, main.question.inquiry
    if workspace is None or inquiry is None:
        main.question.post_message(
            Notice(
                plain("There is no question to ask about everybody yet: press F5 and type an action."),
                until_answer=True,
            )
        )
        return

    def left(arn: str | None) -> None:
        if arn is not None:
            main.go_to(arn)

    main.app.push_screen(WhoCanScreen(workspace, inquiry, before=before, left_out=main.question.left_out), left)


def tell_screens(main: AskedFrom, workspace: Workspace) -> None:
    """Let the screens that lie over the main one answer from newer data."""
    if len(main.app.screen_stack) < 2:
        return
    from iamtui.tui.screens.who_can.screen import WhoCanScreen  # noqa: PLC0415 - as above

    for screen in main.app.screen_stack:
        if isinstance(screen, WhoCanScreen):
            screen.set_workspace(workspace, main.before_workspace)


def show_statement(main: AskedFrom, wanted: QuestionPanel.JumpToStatement) -> bool:
    """Show a statement that took part in an answer where it stands, in the tree or on a screen of its own.

    False when it is not loaded.
    """
    from iamtui.account.model import Role  # noqa: PLC0415 - as above
    from iamtui.evaluation.decision import Layer  # noqa: PLC0415 - as above
    from iamtui.tui.statements import entity_of  # noqa: PLC0415 - as above

    if main.workspace is None:
        return False
    account = main.workspace.account
    ref, principal, resource = wanted.ref, wanted.principal, wanted.resource
    entity = entity_of(account, principal)
    role = account.by_arn(resource)
    shown = False
    if ref.layer in (Layer.IDENTITY, Layer.BOUNDARY) and entity is not None:
        shown = main.go_to(entity.arn, wanted.above) and main.subject.detail.show_statement(ref.policy, ref.statement)
    elif ref.layer is Layer.RESOURCE and isinstance(role, Role):
        shown = main.go_to(role.arn, wanted.above) and main.subject.detail.show_trust_statement(ref.statement)
    # SCPs and the policies of resources are not in the tree.
    return shown or _show_document(main, account, principal, resource, ref)


def _show_document(main: AskedFrom, account: Account, principal: Principal, resource: str, ref: StatementRef) -> bool:
    """Show the document of a statement that is not in the tree; False when it is not loaded."""
    from iamtui.tui.screens.trace.document import DocumentScreen  # noqa: PLC0415 - as above
    from iamtui.tui.statements import document_of  # noqa: PLC0415 - as above

    document = document_of(account, principal, resource, ref)
    if document is not None:
        main.app.push_screen(DocumentScreen(document, ref))
    return document is not None


def is_denied(decision: Decision) -> bool:
    """Whether a decision is a denial, not only one that waits for what is not known."""
    from iamtui.evaluation.decision import Outcome  # noqa: PLC0415 - a decision is there, so it is loaded

    return decision.outcome in (Outcome.EXPLICIT_DENY, Outcome.IMPLICIT_DENY)


def has_simulator(workspace: Workspace | None) -> bool:
    """Whether the source may have AWS's simulator behind it."""
    return workspace is not None and workspace.can_call_aws and workspace.source.kind is not SourceKind.DEMO


def open_second_opinion(main: AskedFrom) -> None:
    """Show what AWS's own simulator says beside our answer; it knows no draft."""
    from iamtui.tui.screens.second_opinion import SecondOpinionScreen  # noqa: PLC0415 - as above
    from iamtui.workspace.questions.second_opinion import can_ask_aws  # noqa: PLC0415 - as above

    question, principal, decision = main.question.question, main.question.principal, main.question.answer
    workspace = main.workspace
    if workspace is None or question is None or decision is None or principal is None:
        main.question.post_message(
            Notice(plain("There is no answer to get a second opinion on yet: press F5 and ask."), until_answer=True)
        )
        return
    refused = can_ask_aws(workspace, principal)
    if refused is not None:
        main.say(str(refused))
        return
    left_out = main.question.left_out
    main.app.push_screen(SecondOpinionScreen(workspace, principal, question, decision, left_out=left_out))
