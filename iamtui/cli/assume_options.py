"""Options of sts:AssumeRole and the way to a session, shared by `assume`, `exec`, `serve` and `console`."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import click

from iamtui.cli.command import topic_option
from iamtui.cli.input import ask_code, choose, read_text
from iamtui.cli.opening import approval, command_choice, open_workspace, say_where, unnamed_approval
from iamtui.cli.output import Span, Style, note, stderr
from iamtui.cli.render import write_verdict
from iamtui.cli.source_options import SourceOptions, record_options
from iamtui.config import load_config
from iamtui.credentials import variables
from iamtui.credentials.assume_role import ANY_CODE, AssumeRoleInput, MfaWay, impossible_durations
from iamtui.credentials.child_process import SESSION_MARK, parent_program
from iamtui.credentials.export import Format, evaluating_format, find_format
from iamtui.credentials.session import AssumeExtras, Session, is_session_of, parse_duration
from iamtui.engine.words.explanation import explain
from iamtui.problem import Problem
from iamtui.secret import Secret
from iamtui.text import safe_text
from iamtui.workspace.assume.assume import Renewal, as_session
from iamtui.workspace.assume.assume import assume as assume_role
from iamtui.workspace.assume.assume_decision import is_temporary
from iamtui.workspace.assume.assume_plan import AssumePlan, check_input, compact_policy, plan_assume, plan_without_code
from iamtui.workspace.assume.mfa import MfaSessions, find_mfa_devices
from iamtui.workspace.source.inventory import find_entity
from iamtui.workspace.source.opening import connect, with_kept_account
from iamtui.workspace.source.principals import alias_of, session_is_production
from iamtui.workspace.source.workspace import SourceKind, Workspace, list_profiles

if TYPE_CHECKING:
    from iamtui.workspace.source.credential_commands import Approve
    from iamtui.workspace.source.workspace import Profile


# What is said where the caller is a session that an earlier command put into the environment.


_KEYS: Final = (variables.ACCESS_KEY_ID, variables.SECRET_ACCESS_KEY, variables.SESSION_TOKEN)
_UNSET: Final = f"unset {', '.join((*_KEYS, variables.EXPIRATION))}"
_INSTEAD: Final = "start from what it was assumed with: --profile BASE"


def session_in_environment(environ: Mapping[str, str]) -> bool:
    return all(environ.get(name) for name in _KEYS)


def say_itself(workspace: Workspace, role_arn: str) -> None:
    """Say it when the caller is a session of the role that is to be assumed: that does not renew it."""
    if not is_session_of(workspace.account.caller_arn.value_or(""), role_arn):
        return
    if calls_by_environment(workspace):
        note(
            "The credentials of the environment are a session of this role already, perhaps of an earlier eval: to "
            f"renew it, {_INSTEAD}, or {_UNSET} first."
        )
    else:
        note(f"The caller is a session of this role already: to renew it, {_INSTEAD}.")


@contextmanager
def note_ambient_session(by_environment: bool) -> Iterator[None]:
    """Say, when something fails, that the caller was a session from the environment, and what to do about it.

    Args:
        by_environment: whether the environment's keys are the caller's, where it has keys.
    """
    try:
        yield
    except Problem:
        if by_environment and session_in_environment(os.environ):
            note(
                "The caller was the session in the environment, perhaps of an earlier eval. If it shall not be, "
                f"{_INSTEAD}, or {_UNSET} first."
            )
        raise


def calls_by_environment(workspace: Workspace) -> bool:
    """True if the workspace's own caller is the one of the environment's keys, where it has keys."""
    return workspace.source.kind is SourceKind.LIVE and not workspace.source.profile


LARGEST_POLICY_FILE: Final = 256 * 1024
"""Bytes; STS takes 2,048 characters, but the blanks that are left out may be many."""


def read_time(_context: click.Context, _parameter: click.Parameter, value: str | None) -> int | None:
    """The seconds of a length of time, written as the screen's forms take it: the callback of an option."""
    seconds = parse_duration(value) if value is not None else None
    if value is not None and seconds is None:
        raise click.BadParameter(f'{safe_text(value)} is not a time: write it as "1h", "90m" or a number of seconds.')
    return seconds


def _read_duration(context: click.Context, parameter: click.Parameter, value: str | None) -> int | None:
    """As `read_time`, of a session: what STS never takes is refused before an account is opened."""
    seconds = read_time(context, parameter, value)
    for problem in impossible_durations(seconds) if seconds is not None else ():
        raise Problem(problem.sentence, "Give another --duration.")
    return seconds


@dataclass(frozen=True, slots=True)
class Wanted:
    """The options of sts:AssumeRole as given; None, False and () : not given."""

    session_name: str | None = None
    duration: int | None = None
    external_id: str | None = None
    mfa_serial: str | None = None
    mfa: bool = False
    no_mfa: bool = False
    via: tuple[str, ...] = ()
    policy: str | None = None
    policy_arn: tuple[str, ...] = ()
    tag: tuple[str, ...] = ()
    transitive: tuple[str, ...] = ()
    source_identity: str | None = None
    scope_down: str | None = None


_option: Final = topic_option("session")

assume_options = record_options(
    Wanted,
    "wanted",
    click.option(
        "--session-name", metavar="NAME", help="The session name, seen in CloudTrail. Default: the caller's name."
    ),
    click.option(
        "--duration",
        callback=_read_duration,
        metavar="TIME",
        help="How long: 1h, 90m, 1h30m or seconds.",
    ),
    _option("--external-id", metavar="ID", help="The external ID that the role's owner gave a third party."),
    _option("--mfa-serial", metavar="SERIAL", help="The caller's MFA device; its code is asked for on the terminal."),
    click.option("--mfa", is_flag=True, help="Ask for an MFA code on the terminal."),
    click.option("--no-mfa", is_flag=True, help="Do not ask for an MFA code."),
    _option("--via", multiple=True, metavar="ROLE", help="First assume this role (chaining). Repeatable."),
    _option("--policy", metavar="FILE", help="An inline session policy; - is standard input."),
    _option("--policy-arn", multiple=True, metavar="ARN", help="A managed session policy. Repeatable."),
    _option("--tag", multiple=True, metavar="KEY=VALUE", help="A session tag. Repeatable."),
    _option("--transitive", multiple=True, metavar="KEY", help="A tag chained sessions keep. Repeatable."),
    _option("--source-identity", metavar="NAME", help="The source identity; no later session can change it."),
    _option(
        "--scope-down",
        metavar="FILE",
        help="A policy that narrows the session (sts:GetScopedCredentials); - is standard input.",
    ),
)
"""Adds the options of sts:AssumeRole to a command, which gets them as one `wanted: Wanted`."""


@dataclass(frozen=True, slots=True)
class Assumed:
    """A session, and what it takes to get the next one.

    Args:
        workspace: the caller that assumed it.
        session: the session.
        renewal: assumes the role again, and before it those on the way to it: their sessions may have ended.
        with_mfa: whether an MFA code was asked for, here or on the way.
        unshared: why the code does not serve the next times, one sentence; "" when it does, or none was asked for.
        before: the session of this chain that assumed it, or None when the caller himself did.
    """

    workspace: Workspace
    session: Session
    renewal: Renewal
    with_mfa: bool = False
    unshared: str = ""
    before: Assumed | None = None

    def needs_code(self) -> bool:
        """True if assuming the role again takes a new MFA code now."""
        return self.renewal.needs_code() or (self.before is not None and self.before.needs_code())

    def again(self, code: Secret | None = None) -> Session:
        """Assume the role once more. Blocking."""
        return self.renewal(code)


def assumed(
    role: str,
    wanted: Wanted,
    source: SourceOptions,
    *,
    mfa_sessions: MfaSessions | None = None,
    check: Callable[[bool], None] | None = None,
) -> Assumed:
    """Find the role, say on stderr what our own engine thinks, ask for an MFA code if need be, and assume it.

    Args:
        mfa_sessions: where an MFA code is to serve for longer than this once (sts:GetSessionToken).
        check: is told whether the role is assumed with temporary credentials, and raises Problem where that will not
            do; before an MFA code is asked for.
    """
    if wanted.no_mfa and (wanted.mfa or wanted.mfa_serial is not None):
        other = "--mfa" if wanted.mfa else "--mfa-serial"
        raise Problem(f"--no-mfa and {other} cannot be combined.", "Choose one.")
    extras = _extras(wanted)
    workspace, entered = _named_role(wanted.via[0] if wanted.via else role, source)
    if check is not None:
        check(bool(wanted.via) or is_temporary(workspace) is True)
    # The MFA device is the first caller's; the roles on the way get nothing else of what is meant for the last one.
    if wanted.mfa_serial is not None:
        entered = replace(entered, mfa_serial=wanted.mfa_serial)
    mfa = wanted.mfa or wanted.mfa_serial is not None
    before: Assumed | None = None
    for next_role in (*wanted.via[1:], role) if wanted.via else ():
        before = _assume(workspace, entered, before, mfa_sessions, mfa=mfa, no_mfa=wanted.no_mfa)
        workspace, entered = _from_there(as_session(workspace, before.session), next_role)
        mfa = False
    entered = replace(
        entered,
        session_name=wanted.session_name or entered.session_name,
        duration_seconds=entered.duration_seconds if wanted.duration is None else wanted.duration,
        external_id=entered.external_id if wanted.external_id is None else wanted.external_id,
        extras=extras,
    )
    return _assume(workspace, entered, before, mfa_sessions, mfa=mfa, no_mfa=wanted.no_mfa)


def _assume(
    workspace: Workspace,
    named: AssumeRoleInput,
    before: Assumed | None,
    mfa_sessions: MfaSessions | None,
    *,
    mfa: bool,
    no_mfa: bool,
) -> Assumed:
    asks_code = not no_mfa and (mfa or bool(named.mfa_serial))
    plan, entered, with_code = _planned(workspace, named, asks_code=asks_code, no_mfa=no_mfa)
    if before is None:
        say_itself(workspace, named.role_arn)
    _say_plan(workspace, plan)
    if plan.refusal:
        raise Problem(plan.refusal, "Choose a role that trusts the caller, or another caller.")
    if plan.needs_mfa and not (with_code or no_mfa):
        note("No MFA code is needed, so none is asked for; --mfa sends one anyway.")
    serial = (named.mfa_serial or _device(workspace, plan, must=asks_code)) if with_code else ""
    entered = replace(entered, mfa_serial=serial, mfa_code=ANY_CODE if serial else None)
    problems = check_input(plan, entered)
    if problems:
        step = "--no-cache asks STS alone." if workspace.source.cached else "See the command's --help."
        raise Problem(" ".join(problem.sentence for problem in problems), step)
    session, sent, unshared = _sent(workspace, entered, mfa_sessions, first=before is None)
    _say_session(session, workspace)
    renewal = Renewal(workspace, sent, caller=before.again if before is not None else None, mfa_sessions=mfa_sessions)
    with_mfa = bool(sent.mfa_serial) or (before is not None and before.with_mfa)
    return Assumed(workspace, session, renewal, with_mfa, unshared or (before.unshared if before else ""), before)


def _planned(
    workspace: Workspace, named: AssumeRoleInput, *, asks_code: bool, no_mfa: bool
) -> tuple[AssumePlan, AssumeRoleInput, bool]:
    """The plan, the input as far as it needs no MFA device, and whether an MFA code is to be sent."""
    plan = plan_assume(workspace, replace(named, mfa_code=ANY_CODE if asks_code else None))
    entered = replace(
        named,
        session_name=named.session_name or plan.default_session_name,
        duration_seconds=min(load_config()[0].assume.seconds, plan.longest_seconds)
        if named.duration_seconds == _NOT_SAID
        else named.duration_seconds,
        mfa_serial="",
    )
    depends_on_code = plan.needs_mfa and not asks_code and not _allows(plan)
    without = plan_without_code(workspace, plan, entered) if no_mfa or depends_on_code else plan
    if no_mfa or (depends_on_code and _allows(without)):
        plan, depends_on_code = without, False
    return plan, entered, asks_code or depends_on_code


def _sent(
    workspace: Workspace, entered: AssumeRoleInput, mfa_sessions: MfaSessions | None, *, first: bool
) -> tuple[Session, AssumeRoleInput, str]:
    """The session, the input that was sent for it, and why its MFA code serves no other role, or ""."""
    unshared = ""
    if entered.mfa_serial and mfa_sessions is not None:
        choice = mfa_sessions.choice(workspace, entered)
        entered, unshared = replace(entered, mfa_way=choice.way), "" if choice.way is MfaWay.SHARED else choice.note
    sent = _with_code(entered)
    try:
        with note_ambient_session(first and calls_by_environment(workspace)):
            session = assume_role(workspace, sent, mfa_sessions=mfa_sessions)
    except Problem:
        if mfa_sessions is None or sent.mfa_way is not MfaWay.SHARED:
            raise
        choice = mfa_sessions.choice(workspace, entered)
        if choice.way is MfaWay.SHARED:
            raise
        # STS shares no code with this caller, and this one is used up: the next goes with the call itself.
        note(f"{choice.note} Another one is needed.")
        entered, unshared = replace(entered, mfa_way=choice.way), choice.note
        sent = _with_code(entered)
        session = assume_role(workspace, sent, mfa_sessions=mfa_sessions)
    return session, sent, unshared


def _allows(plan: AssumePlan) -> bool:
    return plan.decision is not None and plan.decision.allowed


def _with_code(entered: AssumeRoleInput) -> AssumeRoleInput:
    """The input with the code that the user types, or without device and code when he twice types none."""
    if not entered.mfa_serial:
        return entered
    code = ask_code(entered.mfa_serial)
    if not code:
        note("No code was typed. Press Enter again to ask STS without one.")
        code = ask_code(entered.mfa_serial)
    if not code:
        return replace(entered, mfa_serial="", mfa_code=None, mfa_way=MfaWay.DIRECT)
    return replace(entered, mfa_code=code)


def _device(workspace: Workspace, plan: AssumePlan, *, must: bool) -> str:
    """Find the caller's MFA device, by IAM where the account's data lacks it; the user chooses one of several.

    Args:
        must: whether the user wants a code; else credentials that are temporary may have brought their MFA along.
    """
    serials, why = plan.mfa_serials, ""
    if not serials and plan.caller_temporary and not must:
        return ""
    if not serials:
        devices = find_mfa_devices(workspace)
        serials, why = devices.serials, devices.note
    if not serials:
        raise Problem(why, "Name the device with --mfa-serial, or use --no-mfa to ask STS without a code.")
    if len(serials) == 1:
        return serials[0]
    return choose("You have several MFA devices", serials, instead="Name one with --mfa-serial.")


def _policy(name: str, what: str = "session policy") -> str:
    """The text of a policy, as short as JSON can say it."""
    text = read_text(name, what, most=LARGEST_POLICY_FILE)
    if name == "-":
        return compact_policy(text, what)
    try:
        return compact_policy(text, what)
    except Problem as problem:
        step = f"iamtui lint {shlex.quote(name)} shows more."
        raise Problem(f"{safe_text(name)}: {problem.sentence}", safe_text(step)) from None


def _extras(wanted: Wanted) -> AssumeExtras:
    """The rest of the request.

    Raises:
        Problem: a tag without an equals sign, or a policy file that cannot be read.
    """
    tags = []
    for text in wanted.tag:
        key, equals, value = text.partition("=")
        if not equals:
            raise Problem(f"--tag {safe_text(text)} has no value.", "Write it as --tag KEY=VALUE.")
        tags.append((key, value))
    return AssumeExtras(
        policy=_policy(wanted.policy) if wanted.policy is not None else "",
        policy_arns=wanted.policy_arn,
        tags=tuple(tags),
        transitive_tag_keys=wanted.transitive,
        source_identity=wanted.source_identity or "",
        scope_down=_policy(wanted.scope_down, "scope-down policy") if wanted.scope_down is not None else "",
    )


_NOT_SAID: Final = -1
"""A duration that neither an option nor a profile gives: the config's, as far as this session may last."""


def _of_profile(profile: Profile) -> AssumeRoleInput:
    seconds = profile.duration_seconds or _NOT_SAID
    return AssumeRoleInput(profile.role_arn, profile.session_name, seconds, profile.external_id, profile.mfa_serial)


def _by_arn(role_arn: str) -> AssumeRoleInput:
    return AssumeRoleInput(role_arn, duration_seconds=_NOT_SAID)


def _named_role(role: str, source: SourceOptions) -> tuple[Workspace, AssumeRoleInput]:
    """Find the role, and what its profile says of it; a text that is "" is still to be chosen.

    It is an ARN, a profile with a role_arn, or a name; only a name needs the account to be read.
    """
    if role.startswith("arn:"):
        return _connected(source), _by_arn(role)
    profile = _profile(role) if not (source.demo or source.snapshot) and "/" not in role else None
    if profile is not None:
        note(f"The profile {profile.name} names the role {profile.role_arn}.")
        own = replace(source, profile=source.profile or tuple(filter(None, (profile.source_profile,))))
        # What the config file names as source_profile, nobody has named.
        approve = approval(source) if own.profile == source.profile else unnamed_approval
        return _connected(own, approve), _of_profile(profile)
    with note_ambient_session(_by_environment(source)):
        workspace = open_workspace(source)
    return workspace, _by_arn(find_entity(workspace.account, role, only="role").arn)


def _from_there(workspace: Workspace, role: str) -> tuple[Workspace, AssumeRoleInput]:
    """Find the next role of a chain, as seen by the session before it."""
    if role.startswith("arn:"):
        return workspace, _by_arn(role)
    profile = _profile(role) if "/" not in role else None
    if profile is not None:
        return workspace, replace(_of_profile(profile), mfa_serial="")
    if not workspace.account.roles:
        raise Problem(
            f"The role {safe_text(role)} cannot be looked up, because the account was not read.", "Name it by its ARN."
        )
    return workspace, _by_arn(find_entity(workspace.account, role, only="role").arn)


def _profile(name: str) -> Profile | None:
    """The profile of this name, when it says which role is meant.

    Raises:
        Problem: it gets that role by a token, not by sts:AssumeRole, so it is a caller of its own.
    """
    found = next((profile for profile in list_profiles() if profile.name == name and profile.role_arn), None)
    if found is not None and found.kind == "web identity":
        raise Problem(
            f"The profile {found.name} gets the role {found.role_arn} by a web identity token.",
            f"Use it as a caller, with --profile {shlex.quote(found.name)}, or name a role to assume from it.",
        )
    return found


def _by_environment(source: SourceOptions) -> bool:
    return not (source.profile or source.snapshot or source.demo)


def _connected(source: SourceOptions, approve: Approve | None = None) -> Workspace:
    with note_ambient_session(_by_environment(source)):
        workspace = connect(command_choice(source), approve or approval(source))
    say_where(workspace)
    return workspace if source.no_cache else _with_kept_account(workspace)


def _with_kept_account(workspace: Workspace) -> Workspace:
    """The workspace with its account from the cache, for the local evaluation; STS is called all the same."""
    found = with_kept_account(workspace)
    if found.source.cached and found.source.taken_at is not None:
        note(
            f"CACHED: the role is checked against the account as it was read at "
            f"{found.source.taken_at:%Y-%m-%d %H:%M} (UTC); --no-cache asks STS alone."
        )
    return found


def _say_plan(workspace: Workspace, plan: AssumePlan) -> None:
    out = stderr()
    if plan.decision is None:
        note(f"Whether the role trusts the caller is not checked. {plan.what_is_known(workspace)}".rstrip())
        return
    write_verdict(out, plan.decision, f"{plan.decision.request.action} on {plan.role_arn}")
    if not plan.decision.allowed:
        out.paragraph(plan.what_is_known(workspace) or explain(plan.decision).paragraph, indent=4)
    out.flush()


def _say_session(session: Session, workspace: Workspace) -> None:
    who = session.identity.arn if session.identity is not None else f"{session.role_arn} as {session.session_name}"
    alias = alias_of(session, workspace.account)
    note(f"Assumed {who}{f' in {alias}' if alias else ''}; {session.time_left_words()} left.")
    if session.extras.scope_down:
        note("SCOPED: the session may do what both the role and the scope-down policy allow.")
    if session_is_production(session, workspace.account, load_config()[0].production):
        stderr().line(Span("PRODUCTION", Style.BAD), ": the role or its account is marked as such.")
    if session.identity_error:
        note(f"Not verified: {session.identity_error}")


def say_nested(environ: Mapping[str, str]) -> None:
    """Say that the caller is already a session that iamtui gave."""
    inside = environ.get(SESSION_MARK)
    if inside:
        note(f"Inside a session of {inside}: what is assumed from it is role chaining, and lasts one hour at most.")


# What commands print for a shell to evaluate: in which format, and what makes the shell stop when there is nothing.


DEFAULT: Final = "Default: that of the shell it is run from, or bash."


def wanted_format(name: str | None) -> Format:
    """The format that is named, or the one of the shell that is going to evaluate it."""
    return find_format(name if name is not None else _usual())


def _usual() -> str:
    return evaluating_format(load_config()[0].export.format, parent_program())


def fail_in_shell(arguments: Sequence[str]) -> None:
    """Print the line that lets `eval` fail, so that what follows does not run as somebody else.

    Nothing is printed to a terminal, or where what is printed is for no shell.

    Args:
        arguments: the words after the program's name.
    """
    if sys.stdout is None or sys.stdout.isatty() or any(word.startswith("--write-profile") for word in arguments):
        return
    try:
        syntax = wanted_format(_named(arguments)).syntax
    except Problem:
        # It was meant for the shell that runs it, mostly.
        syntax = find_format(_usual()).syntax
    if syntax is not None:
        sys.stdout.write(f"{syntax.failure}\n")
        sys.stdout.flush()


def _named(arguments: Sequence[str]) -> str | None:
    """Value of --format, also where the other arguments cannot be parsed."""
    found = None
    for number, word in enumerate(arguments):
        option, equals, value = word.partition("=")
        if option == "--format" and equals:
            found = value
        elif option == "--format" and number + 1 < len(arguments):
            found = arguments[number + 1]
    return found
