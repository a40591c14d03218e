"""`iamtui assume`: a role's credentials on stdout, for `eval` or a program, and never on a screen by accident."""

from __future__ import annotations

import getpass
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import click

from iamtui.cli.decision_text import write_verdict
from iamtui.cli.exits import Exit
from iamtui.cli.output import note, stderr, stdout
from iamtui.cli.source import SourceOptions, command_choice, open_workspace, say_where, source_options
from iamtui.config import load_config
from iamtui.credentials.formats import FORMATS, find_format, hand_over
from iamtui.credentials.session import Session
from iamtui.evaluation.explanation import explain
from iamtui.problem import Problem
from iamtui.secret import Secret
from iamtui.text import safe_text
from iamtui.workspace.assuming import AssumeInput, AssumePlan, check_input, plan_assume
from iamtui.workspace.assuming import assume as assume_role
from iamtui.workspace.connecting import connect
from iamtui.workspace.inventory import find_entity
from iamtui.workspace.opening import Profile, list_profiles
from iamtui.workspace.workspace import Workspace

TERMINAL: Final = Path("/dev/tty")


@click.command(epilog="Exit codes: 0 with the credentials on stdout; 2 without.")
@click.argument("role")
@click.option("--format", "name", default="bash", metavar="FORMAT", show_default=True, help=f"{', '.join(FORMATS)}.")
@click.option("--session-name", metavar="NAME", help="The session's name, seen in CloudTrail; else the caller's.")
@click.option("--duration", type=int, metavar="SECONDS", help="How long, at most what the role allows.")
@click.option("--external-id", metavar="ID", help="What the role's owner agreed on with a third party.")
@click.option("--mfa-serial", metavar="SERIAL", help="The caller's MFA device; its code is asked on the terminal.")
@click.option("--mfa", "with_mfa", is_flag=True, help="Ask for an MFA code on the terminal.")
@click.option("--reveal", is_flag=True, help="Print the credentials even to a terminal.")
@source_options
def assume(
    role: str,
    name: str,
    session_name: str | None,
    duration: int | None,
    external_id: str | None,
    mfa_serial: str | None,
    with_mfa: bool,
    reveal: bool,
    source: SourceOptions,
) -> Exit:
    """Assume ROLE and print its credentials: eval "$(iamtui assume ROLE)".

    ROLE is an ARN or a profile with a role_arn, which need no permission to read the account, or a name. What our
    own reading of the policies says goes to stderr first; a demo role is only assumed when that says yes.
    """
    find_format(name)
    out = stdout()
    if sys.stdout.isatty() and not reveal:
        raise Problem(
            "The credentials would be shown on the terminal.",
            f'Use eval "$(iamtui assume {safe_text(role)} ...)", send them to a program, or say --reveal.',
        )
    meant = _meant(role, source)
    external_id = external_id if external_id is not None else meant.external_id
    mfa_serial = mfa_serial if mfa_serial is not None else meant.mfa_serial or None
    workspace = meant.workspace
    asks_code = with_mfa or mfa_serial is not None
    plan = plan_assume(workspace, meant.arn, external_id=external_id, with_mfa=asks_code)
    _say_plan(plan)
    if plan.refusal:
        raise Problem(plan.refusal, "Choose a role that trusts the caller, or another caller.")
    depends_on_code = plan.needs_mfa and (plan.decision is None or not plan.decision.allowed)
    serial = (mfa_serial or plan.mfa_serial) if asks_code or depends_on_code else ""
    if asks_code and not serial:
        raise Problem("The caller's MFA device is not known.", "Name it with --mfa-serial.")
    entered = AssumeInput(
        role_arn=meant.arn,
        session_name=session_name or plan.default_session_name,
        duration_seconds=_seconds(duration, plan),
        external_id=external_id,
        mfa_serial=serial,
        mfa_code=_ANY_CODE if serial else None,
    )
    problems = check_input(plan, entered)
    if problems:
        raise Problem(" ".join(problems), "See `iamtui assume --help`.")
    if serial:
        entered = replace(entered, mfa_code=_ask_code(serial))
    session = assume_role(workspace, entered)
    _say_session(session)
    text = hand_over(session, name)
    out.raw(text.reveal())
    out.flush()
    return Exit.OK


_ANY_CODE: Final = Secret("000000")
"""Stands for the code while everything else is checked, so that nobody types one in vain."""


@dataclass(frozen=True, slots=True)
class _Meant:
    """The role that is meant, and where it is assumed from."""

    workspace: Workspace
    arn: str
    external_id: str = ""
    mfa_serial: str = ""


def _meant(role: str, source: SourceOptions) -> _Meant:
    """Find the role: an ARN, a profile with a role_arn, or a name; only a name needs the account to be read."""
    if role.startswith("arn:"):
        return _Meant(_connected(source), role)
    profile = _profile(role) if not (source.demo or source.snapshot) and "/" not in role else None
    if profile is not None:
        note(f"The profile {profile.name} names the role {profile.role_arn}.")
        own = replace(source, profile=source.profile or profile.source_profile or None)
        return _Meant(_connected(own), profile.role_arn, profile.external_id, profile.mfa_serial)
    workspace = open_workspace(source)
    return _Meant(workspace, find_entity(workspace.account, role, only="role").arn)


def _profile(name: str) -> Profile | None:
    return next((profile for profile in list_profiles() if profile.name == name and profile.role_arn), None)


def _connected(source: SourceOptions) -> Workspace:
    workspace = connect(command_choice(source))
    say_where(workspace)
    return workspace


def _seconds(given: int | None, plan: AssumePlan) -> int:
    """The duration asked for; without --duration the config's, as far as this session may last."""
    return given if given is not None else min(load_config()[0].assume.seconds, plan.longest_seconds)


def _ask_code(serial: str) -> Secret:
    """The MFA code, typed on the controlling terminal without being shown; never from argv or a pipe.

    Raises:
        Problem: there is no terminal.
    """
    try:
        with TERMINAL.open("r+b", buffering=0):
            pass
    except OSError:
        raise Problem(
            "An MFA code is needed, and there is no terminal to ask for it.", "Run the command in a terminal."
        ) from None
    try:
        return Secret(getpass.getpass(f"MFA code of {safe_text(serial)}: ").strip())
    except EOFError:
        raise Problem("No MFA code was given.", "Type the six digits that the device shows.") from None


def _say_plan(plan: AssumePlan) -> None:
    out = stderr()
    if plan.decision is None:
        note("Whether the role trusts the caller is not checked: the role or the caller is not in what is loaded.")
        return
    write_verdict(out, plan.decision, f"sts:AssumeRole on {plan.role_arn}")
    if not plan.decision.allowed:
        out.paragraph(explain(plan.decision).paragraph, indent=4)
    out.flush()


def _say_session(session: Session) -> None:
    who = session.identity.arn if session.identity is not None else f"{session.role_arn} as {session.session_name}"
    note(f"Assumed {who}; {session.time_left_words()} left.")
    if session.identity_error:
        note(f"Not verified: {session.identity_error}")
