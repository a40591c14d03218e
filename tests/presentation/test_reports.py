"""Findings and escalation paths as rows: order, filter, and the place that each one leads to."""

from __future__ import annotations

from dataclasses import replace

from iamtui.account.model import InlinePolicy
from iamtui.policy.document import PolicyDocument
from iamtui.presentation.escalations import escalations_report
from iamtui.presentation.findings import findings_report
from iamtui.presentation.listing import StatementPlace, Target
from iamtui.presentation.reports import members_report
from iamtui.presentation.styled_words import text_of
from iamtui.workspace.review.audit import audit
from iamtui.workspace.review.escalations import find_escalations
from iamtui.workspace.review.overview import Figure
from iamtui.workspace.source.unknown_facts import unknown_facts
from iamtui.workspace.source.workspace import Workspace
from tests.support.panel_records import small_account, small_workspace

ADMINISTRATOR = "arn:aws:iam::aws:policy/AdministratorAccess"


def climbing_workspace() -> Workspace:
    """alice may attach any policy to herself, by an inline policy; bob is an administrator."""
    account = small_account()
    attach = {"Effect": "Allow", "Action": "iam:AttachUserPolicy", "Resource": "*"}
    everything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    climb, strong = (
        (InlinePolicy(name, PolicyDocument.of({"Version": "2012-10-17", "Statement": statements})),)
        for name, statements in (("climb", [attach]), ("all", [attach, everything]))
    )
    alice, bob = account.users[0], account.users[1]
    users = (replace(alice, inline_policies=climb), replace(bob, inline_policies=strong), *account.users[2:])
    return small_workspace().with_account(replace(account, users=users))


def test_findings_stand_the_worst_first_with_their_fix_and_control() -> None:
    workspace = climbing_workspace()
    report = findings_report(workspace, audit(workspace), unknown_facts(workspace.account))
    order = [report.listing.kinds.index(row.kind) for row in report.rows]
    assert order == sorted(order)
    broad = next(row for row in report.rows if "allows everything on everything" in row.finding.message)
    assert broad.mark.text == "!!! high"
    assert "full-access  CIS 1.16" in text_of(report.listing.details(broad)[1])
    assert any(note.startswith("Not checked: ") for note in report.notes)


def test_a_finding_in_a_policy_leads_to_its_statement() -> None:
    workspace = climbing_workspace()
    report = findings_report(workspace, audit(workspace), ())
    broad = next(row for row in report.rows if "allows everything on everything" in row.finding.message)
    assert report.listing.target(broad) == Target(workspace.account.users[1].arn, StatementPlace("all", 1))


def test_the_steps_of_a_path_stand_below_its_principal_and_ask_their_question() -> None:
    workspace = climbing_workspace()
    report = escalations_report(workspace, find_escalations(workspace))
    alice = next(row for row in report.rows if row.arn == workspace.account.users[0].arn)
    assert text_of(report.listing.columns[0].shown(alice)) == "[!] certain"
    (step,) = report.listing.inner(alice)
    target = report.listing.target(step)
    assert target is not None
    assert target.asked is not None
    principal, question = target.asked
    assert principal.arn == alice.arn
    assert (question.action, question.resource) == ("iam:AttachUserPolicy", alice.arn)
    assert question.context["iam:PolicyARN"] == (ADMINISTRATOR,)
    assert report.notes[0].startswith("1 administrator; 1 more can become one")
    assert len(report.shown("certain", "ATTACHUSERPOLICY")) == 1
    assert report.shown("possible", "attachuserpolicy") == []


def test_members_of_a_number_lead_to_what_the_account_has() -> None:
    account = small_account()
    figure = Figure("keys", "access keys", (f"{account.users[0].arn} AKIDEXAMPLE", "arn:aws:iam::1:user/gone"), 2)
    report = members_report(account, figure)
    assert report.listing.title == "Access keys"
    assert [(row.name, row.text) for row in report.rows] == [
        (account.short_name(account.users[0].arn), "AKIDEXAMPLE"),
        ("arn:aws:iam::1:user/gone", ""),
    ]
    assert [bool(row.target) for row in report.rows] == [True, False]
    assert report.notes == ["For 2 more it is not known whether they belong here."]


def test_an_escalation_names_the_statement_that_alone_grants_it_and_where_a_draft_may_edit_it() -> None:
    workspace = climbing_workspace()
    alice = workspace.account.users[0].arn
    report = escalations_report(workspace, find_escalations(workspace))
    head = next(row for row in report.rows if row.arn == alice)
    (step,) = report.listing.inner(head)
    assert text_of(report.listing.details(head)[1]) == "Closed without climb of user/alice / statement 1."
    fixes = [report.listing.fix(row) for row in (head, step)]
    assert [fix and fix.target for fix in fixes] == [Target(alice, StatementPlace("climb", 0))] * 2
    details = [*map(text_of, report.listing.details(step))]
    assert "by climb / statement 1" in details[1]
    assert details[2] == "Enter asks it. f edits climb in a draft."
