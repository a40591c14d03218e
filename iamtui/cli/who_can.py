"""`iamtui who-can`: everyone who may do something."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import click

from iamtui.cli.command import command, output_options
from iamtui.cli.listing import print_listing
from iamtui.cli.opening import all_or_open, draft_option, open_workspace, with_draft, with_people
from iamtui.cli.output import Exit, note, stdout
from iamtui.cli.questions import QuestionOptions, load_resource_policies, matrix_of, question_options
from iamtui.cli.source_options import SourceOptions, source_options
from iamtui.engine.decision import Layer, Outcome
from iamtui.policy.patterns import is_pattern
from iamtui.presentation.styled_words import text_of
from iamtui.presentation.verdict import VerdictCounts, unloaded_layers
from iamtui.presentation.who_can import access_words, not_evaluated, who_can_listing
from iamtui.problem import Problem
from iamtui.text import counted
from iamtui.workspace.ask.access import (
    ACCESS_LEVELS,
    PrincipalAccess,
    actions_that_fit,
    every_action_about,
    through_roles,
    who_has_access,
)
from iamtui.workspace.ask.answers import MOST_CELLS
from iamtui.workspace.ask.who_can import everybody

if TYPE_CHECKING:
    from collections.abc import Iterator

    from iamtui.questions.question import QuestionMatrix

_EPILOG: Final = """\
Without --any, only those who may do all of ACTION on all of RESOURCE are allowed. A pattern such as s3:Put*, and
--access-level, imply --any. With an access level, ACTION can be left out where --on names a resource.
"""


@command("who-can", epilog=_EPILOG)
@click.argument("actions", nargs=-1, metavar="ACTION...")
@question_options
@click.option("--any/--every", "some", default=None, help="Whether one of the actions is enough, or it takes all.")
@click.option("--access-level", type=click.Choice([*ACCESS_LEVELS]), help="Only actions of this access level.")
@click.option(
    "--through-roles", "with_roles", is_flag=True, help="Also list who gets it by assuming roles, one after the other."
)
@click.option("--people", is_flag=True, help="Name the people behind roles of IAM Identity Center, reading them.")
@click.option("--all", "everyone", is_flag=True, help="Also list those who may not.")
@output_options("text", "json", "jsonl", "csv", "markdown")
@draft_option
@source_options
def who_can(
    actions: tuple[str, ...],
    asked: QuestionOptions,
    some: bool | None,
    access_level: str | None,
    with_roles: bool,
    people: bool,
    everyone: bool,
    form: str,
    draft: str | None,
    source: SourceOptions,
) -> Exit:
    """List everyone who may do ACTION, under which conditions and by which policy, group or role: users, roles, and
    principals that the resource's policy names.

    The counts go to stderr. The exit code is 0 even if nobody is allowed, and 3 if the list may lack somebody: whom
    else a resource of --on lets in is not known, a row stands for users and roles of other accounts (everyone, or a
    pattern of ARNs), or only a part was read or answered.
    """
    _check_options(asked, with_roles=with_roles)
    some = some if some is not None else access_level is not None or any(map(is_pattern, actions))
    made, left_out = _matrix(actions, asked, access_level, some=some)
    workspace = open_workspace(source, several=True)
    if people:
        workspace = with_people(workspace, source)
    workspace = with_draft(load_resource_policies(workspace, made), draft)
    counts = _WhoCanCounts()
    concerned = everybody(workspace, made)
    found: list[PrincipalAccess] = []

    def shown() -> Iterator[PrincipalAccess]:
        some_keys = form not in ("json", "jsonl")
        for one in who_has_access(workspace, made, concerned.asked, one_is_enough=some, only_deciding=some_keys):
            if with_roles:
                found.append(one)
            if counts.add(one) or everyone:
                yield one
        for one in through_roles(workspace, found) if with_roles else ():
            if counts.add(one) or everyone:
                yield one

    print_listing(stdout(), form, who_can_listing(workspace), shown())
    words = (*actions, *((f"access level {access_level}",) if access_level else ()))
    summary = _summary(", ".join(words), made, counts, concerned.outside)
    for sentence in filter(None, (not_evaluated(concerned, counts.unloaded), summary, *concerned.never_asked)):
        note(sentence)
    cut = counts.cut + left_out
    if cut:
        note(f"{cut} actions of the patterns are not answered, because they are too many. Ask with narrower patterns.")
    lacks_some = cut or counts.described or (concerned.unknown and asked.resources)
    return Exit.OPEN if lacks_some else all_or_open(workspace)


def _check_options(asked: QuestionOptions, *, with_roles: bool) -> None:
    """Refuse options that exclude each other."""
    if with_roles and asked.chained_from:
        raise Problem("--through-roles and --chained-from exclude each other.", "Give one of them.")
    if with_roles and asked.scope_downs:
        raise Problem(
            "--through-roles and --scope-down exclude each other: of several sessions it is not said which is scoped.",
            "Ask with --scope-down who can, and with `iamtui trust ROLE` who may assume those roles.",
        )


def _matrix(
    actions: tuple[str, ...], asked: QuestionOptions, access_level: str | None, *, some: bool
) -> tuple[QuestionMatrix, int]:
    """The question matrix, and how many actions it leaves out because they are too many."""
    if not actions and access_level is None:
        raise click.UsageError("Missing argument 'ACTION...'.")
    if access_level is None and not (some and any(map(is_pattern, actions))):
        return matrix_of(actions, asked), 0
    typed = matrix_of(actions or every_action_about(asked.resources or ("*",)), asked)
    every = actions_that_fit(actions, typed.resources, access_level)
    most = max(1, MOST_CELLS // len(typed.resources))
    return replace(typed, actions=every[:most]), len(every[most:])


class _WhoCanCounts:
    """Counts of a list of principals, for its summary."""

    def __init__(self) -> None:
        self.verdicts = VerdictCounts()
        self.through_roles: Counter[bool] = Counter()
        self.unloaded: set[Layer] = set()
        self.cut = 0
        self.described = 0

    def add(self, one: PrincipalAccess) -> bool:
        """Count a principal.

        Returns:
            True if it may, or may under conditions.
        """
        decision, may = one.cell.deciding, one.outcome in (Outcome.ALLOWED, Outcome.DEPENDS)
        if one.principal.stands_for:
            self.described += may
        if one.through:
            self.through_roles[one.outcome is Outcome.ALLOWED] += 1
        elif not one.principal.stands_for:
            self.verdicts.count(access_words(one))
        if not self.unloaded.issuperset(decision.not_evaluated):
            self.unloaded.update(unloaded_layers(decision))
        self.cut = one.answer.cut
        return may


def _summary(typed: str, asked: QuestionMatrix, counts: _WhoCanCounts, outside: int) -> str:
    on = "" if asked.resources == ("*",) else f" on {', '.join(asked.resources)}"
    who = "roles" if asked.chained_from else "users and roles"
    others = f" and {outside} whom the resource's policy names besides" if outside else ""
    chains = _through_roles(counts.through_roles[True], counts.through_roles[False])
    stand = f" {counted(counts.described, 'row')} for users and roles of other accounts." if counts.described else ""
    short = text_of(counts.verdicts.short(best_first=True))
    return f"{typed}{on}: {short} of {counts.verdicts.total() - outside} {who}{others}.{stand}{chains}"


def _through_roles(allowed: int, depend: int) -> str:
    """How many more get it by assuming roles, for certain and on a condition."""
    if not allowed and not depend:
        return ""
    more = f"{allowed} more get it" if allowed else f"{depend} more get it on a condition"
    return f" {more} by assuming roles{f', {depend} on a condition' if allowed and depend else ''}."
