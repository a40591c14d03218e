"""Entry of the command line: the group of commands, the exit code of every ending, and the log of crashes."""

from __future__ import annotations

import errno
import importlib
import os
import stat
import sys
import time
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import click

from iamtui.cli.command import write_options
from iamtui.cli.output import (
    COMPLETE_VARIABLE,
    OPENED,
    Exit,
    ProgramExit,
    ProgressLine,
    Screen,
    refuse_dumb_terminal,
    stderr,
    with_short_arguments,
)
from iamtui.cli.source_options import SourceOptions, source_options
from iamtui.leaves import is_there
from iamtui.problem import Problem
from iamtui.text import any_of, error_lines, safe_text

if TYPE_CHECKING:
    from pathlib import Path

# A click group whose commands are imported when they are run, so that `--help` and the screen start fast.


class CommandEntry(NamedTuple):
    """A command that is not imported yet.

    Args:
        module: where it is.
        name: the attribute of the module.
        summary: one line for `--help`.
    """

    module: str
    name: str
    summary: str


_WANTS_HELP: Final = "iamtui.wants_help"


class LazyGroup(click.Group):
    """A group made from a table of entries, without those whose module is not there."""

    def __init__(
        self,
        *args: Any,
        entries: Mapping[str, CommandEntry],
        groups: Mapping[str, Mapping[str, CommandEntry]] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self._entries = {name: entry for name, entry in entries.items() if is_there(entry.module)}
        self._titles = {title: [*names] for title, names in (groups or {"Commands": entries}).items()}

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Note whether a command's help is wanted, for which the options before the command do not matter."""
        words = args[: args.index("--")] if "--" in args else args
        ctx.meta.setdefault(_WANTS_HELP, any(word in ctx.help_option_names for word in words))
        if not (args or self.invoke_without_command or ctx.resilient_parsing):
            raise click.UsageError(f"Missing command: expected {any_of([*self._entries])}", ctx)
        return super().parse_args(ctx, args)

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """The names in the order of the table."""
        return list(self._entries)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's
        entry = self._entries.get(cmd_name)
        if entry is None:
            return None
        command = getattr(importlib.import_module(entry.module), entry.name)
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command that the words name."""
        if args and args[0] not in self._entries and not args[0].startswith("-"):
            near = get_close_matches(args[0], self._entries, n=1, cutoff=0.5)
            meant = f"Did you mean {near[0]}? " if near else ""
            raise Problem(f"There is no command {safe_text(args[0])}.", f"{meant}See `{ctx.command_path} --help`.")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's
        """Write the commands' summaries without importing them."""
        for title, names in self._titles.items():
            there = [(name, self._entries[name].summary) for name in names if name in self._entries]
            if there:
                with formatter.section(title):
                    formatter.write_dl(there)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options as a command does, and then the commands."""
        write_options(self, ctx, formatter)
        self.format_commands(ctx, formatter)


GROUPS: Final = {
    "Browse": {
        "list": CommandEntry("iamtui.cli.inventory", "list_kind", "List users, groups, roles or policies."),
        "show": CommandEntry("iamtui.cli.inventory", "show", "Show one user, group, role or policy."),
        "overview": CommandEntry("iamtui.cli.overview", "overview", "Show an account in numbers and bars."),
    },
    "Ask": {
        "can": CommandEntry("iamtui.cli.can", "can", "Ask whether a principal may do something, and why."),
        "who-can": CommandEntry("iamtui.cli.who_can", "who_can", "List every principal that may do something."),
        "what-can": CommandEntry(
            "iamtui.cli.what_can", "what_can", "List what a principal can do, by service and action."
        ),
        "questions": CommandEntry("iamtui.cli.questions", "questions", "List saved questions, or run them as a test."),
        "prove": CommandEntry("iamtui.cli.prove", "prove", "Prove what can never be done, or show a request that can."),
        "simulate": CommandEntry("iamtui.cli.simulate", "simulate", "Evaluate policies and requests from a file."),
        "explain": CommandEntry(
            "iamtui.cli.explain", "explain", "Explain AccessDenied messages and CloudTrail records."
        ),
    },
    "Change": {
        "draft": CommandEntry("iamtui.cli.draft", "draft", "Make, compare and export what-if edits of an account."),
        "impact": CommandEntry("iamtui.cli.diff", "impact", "Show what a draft does to the whole account."),
        "diff": CommandEntry("iamtui.cli.diff", "diff", "Compare two snapshots of an account."),
        "gate": CommandEntry("iamtui.cli.gate", "gate", "Judge a Terraform plan: its policies, calls and access."),
        "lint": CommandEntry("iamtui.cli.lint", "lint", "Find what AWS would refuse or warn about in policies."),
    },
    "Whole account": {
        "audit": CommandEntry("iamtui.cli.audit", "audit", "Check keys, MFA, unused identities and broad policies."),
        "escalations": CommandEntry(
            "iamtui.cli.escalations", "escalations", "List who can become administrator, and how."
        ),
        "trust": CommandEntry("iamtui.cli.trust", "trust", "List who may assume each role, and chains of roles."),
        "used": CommandEntry("iamtui.cli.used", "used", "Compare what a principal may do with what it used."),
        "replay": CommandEntry(
            "iamtui.cli.replay", "replay", "Replay CloudTrail events: what differs, or a draft breaks."
        ),
    },
    "Organization": {
        "org": CommandEntry("iamtui.cli.org", "org", "Ask all accounts of an organization, from their snapshots."),
    },
    "Assume": {
        "assume": CommandEntry("iamtui.cli.assume", "assume", "Assume a role and print its credentials for a shell."),
        "exec": CommandEntry("iamtui.cli.assume", "exec_", "Run a program with a role's credentials."),
        "pick": CommandEntry(
            "iamtui.cli.assume", "pick", 'Pick a role on the screen, for a shell: eval "$(iamtui pick)".'
        ),
        "serve": CommandEntry("iamtui.cli.serve", "serve", "Offer a role's credentials to SDKs, renewed in time."),
        "console": CommandEntry(
            "iamtui.cli.console", "console", "Make a URL that signs in to the AWS console as a role."
        ),
        "revoke": CommandEntry(
            "iamtui.cli.revoke", "revoke", "Print the command that revokes a role's older sessions."
        ),
        "role-for": CommandEntry("iamtui.cli.role_for", "role_for", "Draft the role in place of a user's access keys."),
    },
    "Files and settings": {
        "snapshot": CommandEntry("iamtui.cli.snapshot", "snapshot", "Write an account to a file, for --snapshot."),
        "cache": CommandEntry("iamtui.cli.snapshot", "cache", "Remove the cached accounts."),
        "config": CommandEntry("iamtui.cli.config", "config", "Check, show or begin the config file."),
        "permissions": CommandEntry("iamtui.cli.info", "permissions", "Print the least policy for each feature."),
        "info": CommandEntry("iamtui.cli.info", "info", "Print versions, paths, the source, the config and key ids."),
        "completion": CommandEntry(
            "iamtui.cli.completion", "completion", "Print a completion script (bash, zsh or fish)."
        ),
        "help": CommandEntry("iamtui.cli.help", "help_", "Print the help of a command, or of its folded options."),
    },
}
"""Commands by what they are for."""

ENTRIES: Final = {name: entry for group in GROUPS.values() for name, entry in group.items()}


_WITHOUT_SOURCE: Final = frozenset(
    ("simulate", "lint", "permissions", "completion", "config", "diff", "cache", "org", "help")
)

_FOR_SHELLS: Final = frozenset(("assume", "pick", "serve"))
"""Commands whose output is for `eval`, unless an option says otherwise."""


@click.group(
    cls=LazyGroup,
    entries=ENTRIES,
    groups=GROUPS,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Exit codes: 0 allowed or done, 1 denied or not met, 2 an error, 3 it depends.",
)
@click.version_option(
    None, "-V", "--version", package_name="iamtui", message="%(package)s %(version)s", help="Show the version."
)
@click.option("--fresh", is_flag=True, help="Open the screen without what it remembers, and remember nothing.")
@click.option("--plan", metavar="FILE", help="Open the screen with a Terraform plan as its draft.")
@source_options
@click.pass_context
def cli(context: click.Context, fresh: bool, plan: str | None, source: SourceOptions) -> Exit | None:
    """Browse an AWS account's IAM, ask what a principal may do and why, and assume roles.

    Without a command, iamtui opens the screen: on the source that the options or the environment name, or it asks.
    """
    command = context.invoked_subcommand
    if command is not None:
        if context.meta[_WANTS_HELP]:
            return None
        if command in _WITHOUT_SOURCE and source.given:
            raise Problem(f"{source.given[0]} does not apply to {command}.", "Leave it out.")
        for option in ("--fresh",) * fresh + ("--plan",) * (plan is not None):
            raise Problem(f"{option} is for the screen, and does not apply to {command}.", "Leave it out.")
        return None
    return _open_screen(context.obj, source, fresh, plan)


def _open_screen(screen: Screen, source: SourceOptions, fresh: bool, plan: str | None) -> Exit:
    if not (sys.stdin and sys.stdin.isatty() and sys.stdout and sys.stdout.isatty()):
        names = ", ".join(cli.list_commands(click.get_current_context()))
        raise Problem(f"The screen needs a terminal on stdin and stdout; without one use a command: {names}.")
    refuse_dumb_terminal(os.environ)
    from iamtui.cli.source_choice import choose_for_screen  # not needed for --help

    return Exit.OK if screen.open(choose_for_screen(source), fresh, plan) == 0 else Exit.ERROR


def run(arguments: Sequence[str], screen: Screen, opened: list[object] | None = None) -> int:
    """Run iamtui.

    Args:
        arguments: the words after the program's name.
        screen: the other door, for the bare command and `info`.
        opened: is given the account that the command opened, for who ends the process and need not free it first.

    Returns:
        The exit code. Whatever goes wrong is said in one sentence on stderr.
    """
    contexts: list[click.Context] = []
    code = _run(arguments, screen, contexts)
    if opened is not None and contexts and OPENED in contexts[0].meta:
        opened.append(contexts[0].meta[OPENED])
    if code is Exit.ERROR and contexts and _ends_as_a_program(contexts[0].invoked_subcommand, arguments):
        return Exit.NOT_RUN
    if code not in (Exit.OK, Exit.BROKEN_PIPE):
        named = next((word for word in arguments if word in _FOR_SHELLS), None)
        _fail_in_shell(contexts[0].invoked_subcommand if contexts else named, arguments)
    return code


def _fail_in_shell(command: str | None, arguments: Sequence[str]) -> None:
    """Let the shell fail that evaluates what the command prints."""
    if command is None or _ends_as_a_program(command, arguments) or command not in _FOR_SHELLS:
        return
    from iamtui.cli.assume_options import fail_in_shell  # only for commands that have loaded it

    try:
        fail_in_shell(arguments)
    except (OSError, ValueError):
        _drop_unwritable_output()


def _ends_as_a_program(command: str | None, arguments: Sequence[str]) -> bool:
    """True if the exit code is another program's: our own failures must not look like one of its."""
    return command == "exec" or (command == "serve" and "--" in arguments)


def _run(arguments: Sequence[str], screen: Screen, contexts: list[click.Context]) -> int:
    """As `run`; the outermost context is put into `contexts`."""
    _make_streams_tolerant()
    try:
        code = _invoke(arguments, screen, contexts)
        if sys.stdout is not None:
            sys.stdout.flush()
        return code
    except Problem as problem:
        return _fail(with_short_arguments(str(problem), arguments))
    except click.UsageError as error:
        sentence = with_short_arguments(_usage_sentence(error).rstrip("."), arguments)
        hint = f" See `{error.ctx.command_path} --help`." if error.ctx is not None else ""
        return _fail(f"{sentence}{'' if sentence.endswith('?') else '.'}{hint}")
    except click.ClickException as error:
        return _fail(with_short_arguments(error.format_message(), arguments))
    except (KeyboardInterrupt, click.Abort):
        return Exit.INTERRUPTED
    except OSError as error:
        return _stream_failed(error)
    except BaseException as error:  # noqa: BLE001 - also SystemExit of a library: no ending may look like an answer
        return _unforeseen(error)
    finally:
        ProgressLine.clear()
        _drop_unwritable_output()


def _usage_sentence(error: click.UsageError) -> str:
    """One sentence about a usage error: click's own, where that fits into one line."""
    parameter = error.param if isinstance(error, click.MissingParameter) else None
    if parameter is not None and isinstance(parameter.type, click.Choice):
        name = f" {parameter.metavar}" if parameter.metavar else ""
        return f"Missing {parameter.param_type_name}{name}: expected {any_of([*map(str, parameter.type.choices)])}"
    wrong = error.param if isinstance(error, click.BadParameter) else None
    if wrong is not None and isinstance(wrong.type, click.Choice):
        # Click puts what was typed in front of its list of choices.
        typed, choices = error.message.partition(" is not ")[0].strip("'"), [*map(str, wrong.type.choices)]
        name = max(wrong.opts, key=len) if wrong.param_type_name == "option" else (wrong.name or "").upper()
        near = get_close_matches(typed, choices, n=1)
        meant = f". Did you mean {near[0]}?" if near else ""
        return f"{name} cannot be {safe_text(typed, limit=64)}: expected {any_of(choices)}{meant}"
    if isinstance(error, click.NoSuchOption) and error.ctx is not None:
        # Without the dashes, which would make any two options look alike.
        known = {name.lstrip("-"): name for each in error.ctx.command.get_params(error.ctx) for name in each.opts}
        near = get_close_matches(error.option_name.lstrip("-"), known, n=1, cutoff=0.7)
        return f"{error.message} Did you mean {known[near[0]]}?" if near else error.message
    return error.format_message()


def _invoke(arguments: Sequence[str], screen: Screen, contexts: list[click.Context]) -> int:
    if COMPLETE_VARIABLE in os.environ:
        from iamtui.cli.completion import complete  # only while completing

        return complete(cli, os.environ[COMPLETE_VARIABLE])
    try:
        with cli.make_context("iamtui", [*arguments], obj=screen) as context:
            contexts.append(context)
            answer: Any = cli.invoke(context)
    except click.exceptions.Exit as ending:
        # Only --help and --version end so.
        return ending.exit_code
    if not isinstance(answer, (Exit, ProgramExit)):
        raise TypeError("a command ended without an answer")
    return answer


def _fail(sentence: str) -> int:
    try:
        out = stderr()
        out.paragraph(f"iamtui: {sentence}")
        out.flush()
    except OSError:
        pass
    return Exit.ERROR


def _stream_failed(error: OSError) -> int:
    if error.errno == errno.EPIPE:
        return Exit.BROKEN_PIPE
    if error.filename is None and error.errno in (errno.ENOSPC, errno.EIO, errno.EDQUOT, errno.EFBIG, errno.EBADF):
        return _fail(f"The output cannot be written: {error.strerror}.")
    return _unforeseen(error)


LARGEST_LOG: Final = 1024 * 1024
"""Bytes after which the log of crashes starts again."""


def _unforeseen(error: BaseException) -> int:
    log = record_crash(error)
    where = f"details are in {log}" if log is not None else "the log could not be written"
    return _fail(f"An error in iamtui itself ({type(error).__name__}); nothing was changed, and {where}.")


def record_crash(error: BaseException) -> Path | None:
    """Append an exception to the log: its type, its message without anything like a secret, and its frames.

    Returns:
        The log file, or None when it could not be written.
    """
    from iamtui.paths import log_file, make_private_folder  # platformdirs, hardly ever needed

    path = log_file()
    report = "\n".join(error_lines(error))
    try:
        make_private_folder(path.parent)
        start_again = path.exists() and path.stat().st_size > LARGEST_LOG
        flags = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | (os.O_TRUNC if start_again else os.O_APPEND)
        # A pipe that nobody reads from would be waited for.
        flags |= os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
        with os.fdopen(os.open(path, flags, 0o600), "w", encoding="utf-8", errors="backslashreplace") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                return None
            os.fchmod(file.fileno(), 0o600)
            file.write(f"{time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime())} {report}\n")
    except OSError:
        return None
    return path


def _make_streams_tolerant() -> None:
    """A character that the terminal's encoding lacks is shown as an escape, and is no reason to stop."""
    for stream in (sys.stdout, sys.stderr):
        if stream is not None and hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def _drop_unwritable_output() -> None:
    """After a broken pipe, keep the interpreter's last flush from complaining."""
    for stream in (sys.stdout, sys.stderr):
        if stream is None:
            continue
        try:
            stream.flush()
        except (OSError, ValueError):
            _point_nowhere(stream)


def _point_nowhere(stream: Any) -> None:
    try:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
    except (OSError, ValueError):
        pass
