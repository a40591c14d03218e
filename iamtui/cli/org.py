"""`iamtui org`: questions about all accounts of an organization, from a store of their snapshots."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

import click
from msgspec import Struct, structs

from iamtui.cli.command import command, output_options
from iamtui.cli.diff import diff_fails, diff_json, fails, print_diff
from iamtui.cli.input import read_text, shown_name
from iamtui.cli.listing import ListingPrinter
from iamtui.cli.main import CommandEntry, LazyGroup
from iamtui.cli.opening import (
    approval,
    ask_codes_on_terminal,
    command_choice,
    organization_approval,
    unnamed_approval,
)
from iamtui.cli.organization_answers import (
    AccountAnswer,
    AnswerRow,
    Plan,
    answers,
    ask_account,
    chain_row,
    climb_row,
    edge_row,
    outside_row,
    row_cells,
)
from iamtui.cli.output import Exit, JsonRecords, Output, Span, Style, note, progress_report, stderr, stdout
from iamtui.cli.questions import Demands, question_store
from iamtui.cli.source_choice import choose
from iamtui.cli.source_options import SourceOptions, record_options
from iamtui.credentials.secure_files import replace_file
from iamtui.drafts.draft import OrganizationDraft, read_organization_draft
from iamtui.input_files import pyarrow_module
from iamtui.paths import home_expanded, make_private_folder
from iamtui.policy.patterns import is_account_id, parse_arn
from iamtui.presentation.listing import At
from iamtui.problem import Problem
from iamtui.questions.question import Question, QuestionMatrix
from iamtui.text import counted, first_names, safe_text
from iamtui.workspace.ask.answers import check_matrix
from iamtui.workspace.ask.questions import check_action, check_known, check_resource
from iamtui.workspace.ask.saved_questions import NeverRecord, NotPublicRecord, ProofRecord, SavedProof, SavedQuestion
from iamtui.workspace.change.account_diff import AccountDiff, SameDocuments
from iamtui.workspace.change.account_diff import diff as diff_accounts
from iamtui.workspace.change.draft_session import Effect
from iamtui.workspace.organization.organization_paths import Ways
from iamtui.workspace.organization.organization_run import Done, RayWorkers, Workers, over_accounts, workers_for
from iamtui.workspace.organization.organization_store import (
    ACCOUNTS,
    LOST_POLICIES,
    OrganizationStore,
    StoreDay,
    StoreWriter,
    account_in,
    open_store,
    with_all_facts,
    workspace_of,
)
from iamtui.workspace.source.open_accounts import take_accounts
from iamtui.workspace.source.workspace import Progress


@dataclass(frozen=True, slots=True)
class StoreOptions:
    """Options that select a store and how it is read, as given."""

    url: str
    accounts: tuple[str, ...]
    workers: int | None
    ray: str | None
    profile: str | None
    region: str | None
    endpoint_url: str | None

    def open(self) -> OrganizationStore:
        profiles = (self.profile,) if self.profile else ()
        source = SourceOptions(profile=profiles, region=self.region, endpoint_url=self.endpoint_url)
        source.check()
        if not self.url.strip():
            raise Problem("--store is empty.", "Name a folder, or s3://bucket/prefix.")
        if self.endpoint_url:
            note(f"NOT AWS: the store is read from {self.endpoint_url}.")
        if self.url.startswith("s3:"):
            ask_codes_on_terminal()
        return open_store(self.url, choose(source, for_command=True).choice, approval(source))

    def workers_for(self, accounts: int) -> Workers:
        """Who does the work for so many accounts."""
        if self.ray is None:
            return workers_for(accounts, self.workers)
        if not self.ray.strip():
            raise Problem("--ray is empty.", "Give the address of a cluster, auto, or local.")
        return RayWorkers(self.ray, self.workers)

    def picked(self, day: StoreDay) -> tuple[str, ...]:
        """Selected accounts of a day: all, unless some are named."""
        for one in self.accounts:
            if not is_account_id(one):
                raise Problem(f"--account {one} is not an account id.", "Give its 12 digits.")
            if one not in day.ids:
                raise Problem(
                    f"The store has no account {one} on {day.date}.", "See what it has with `iamtui org ask`."
                )
        return tuple(dict.fromkeys(self.accounts)) or day.ids


store_options = record_options(
    StoreOptions,
    "stored",
    click.option("--store", "url", required=True, metavar="STORE", help="The folder, or s3://bucket/prefix."),
    click.option("--account", "accounts", multiple=True, metavar="ID", help="Only this account. Repeatable."),
    click.option("--workers", type=click.IntRange(1, 256), metavar="N", help="Processes; one for each core."),
    click.option("--ray", metavar="ADDRESS", help="Workers of this Ray cluster: its address, auto, or local."),
    click.option("--profile", metavar="NAME", help="Read S3 with this AWS profile."),
    click.option("--region", metavar="REGION", help="The Region of the bucket."),
    click.option("--endpoint-url", metavar="URL", help="Read an S3-compatible endpoint instead of AWS."),
)
"""Adds these options to a command, which gets them as one `stored: StoreOptions`."""


_SILENT: Final = ("met", "proved")
"""Verdicts that are only counted, unless all is shown: in hundreds of accounts they are most of the rows."""
_MOST_NAMED: Final = 4
_MOST_SAID: Final = 100
"""Sentences about what is not known: one may name a policy of each of thousands of accounts."""
_MOST_ACROSS: Final = 1_000_000
"""Rows about several accounts that are kept until they are written as Parquet."""
_LARGEST_DRAFT: Final = 1024 * 1024


@command("ask", epilog="Exit codes: 0; 1 not met, a counterexample, or --fail-on; 2 an error; 3 in part.")
@click.argument("questions", required=False, metavar="[QUESTIONS]")
@store_options
@click.option("--date", metavar="DATE", help="Of this day, and not of the last one.")
@click.option("--who-can", "who_can", multiple=True, metavar="ACTION", help="Everybody who may do it. Repeatable.")
@click.option("--on", "resources", multiple=True, metavar="ARN", help="On this resource (with --who-can).")
@click.option("--never", type=(str, str), multiple=True, metavar="PRINCIPALS ACTION", help="Prove that none ever can.")
@click.option("--except", "excepted", multiple=True, metavar="PRINCIPALS", help="Who may (with --never).")
@click.option("--not-public", multiple=True, metavar="ARN", help="Prove that nobody outside can use it; or a pattern.")
@click.option("--escalations", is_flag=True, help="Who can become administrator of the account.")
@click.option("--trust", is_flag=True, help="Who may assume roles of other accounts, and which roles trust others.")
@click.option("--from", "start", metavar="ARN", help="Instead, what this user or role reaches by chains of roles.")
@click.option("--audit", is_flag=True, help="Old keys, missing MFA, broad policies, open trust.")
@click.option("--draft", metavar="FILE", help="What SCPs and RCPs would change: a draft, or one document.")
@click.option("--at", "level", metavar="LEVEL", help="Attach the document to this root, unit or account.")
@Demands.options("Allowed on some of the resources is enough.", "An answer as far as loaded is not enough.")
@click.option("--fail-on", type=click.Choice(("bad", "open")), help="Exit 1 on an [x], or also on a [?].")
@click.option("--all", "everything", is_flag=True, help="Show what is met or proved, too.")
@output_options("text", "json", "jsonl", "csv", "markdown", "sarif")
@click.option("--trace", is_flag=True, help="The whole record of each answer in the rows, and not only what decided.")
@click.option("--parquet", metavar="FOLDER", help="Also write the rows as Parquet, by date and account.")
def ask(
    questions: str | None,
    stored: StoreOptions,
    date: str | None,
    who_can: tuple[str, ...],
    resources: tuple[str, ...],
    never: tuple[tuple[str, str], ...],
    excepted: tuple[str, ...],
    not_public: tuple[str, ...],
    escalations: bool,
    trust: bool,
    start: str | None,
    audit: bool,
    draft: str | None,
    level: str | None,
    demands: Demands,
    fail_on: str | None,
    everything: bool,
    form: str,
    trace: bool,
    parquet: str | None,
) -> Exit:
    """Ask every account of a store: the saved questions of the file QUESTIONS, and what the options name.

    Accounts are asked one by one, and the answer about each is printed as it comes. A principal that is named and is
    not in an account is not asked about there. What could not be read is named at the end; the rest is answered.
    """
    saved = _saved(questions, demands)
    plan = Plan(
        questions=tuple(one for one in saved if isinstance(one, SavedQuestion)),
        demands=demands,
        who_can=_asked_of_all(who_can, resources),
        proofs=(
            *(one for one in saved if isinstance(one, SavedProof)),
            *_never(never, excepted),
            *(SavedProof(f"not-public {one}", "", _not_public(one)) for one in not_public),
        ),
        escalations=escalations,
        trust=trust,
        start=_start(start, trust=trust),
        audit=audit,
        draft=_draft(draft, level),
        whole=trace,
    )
    _check_plan(plan)
    if plan.draft is not None:
        note("DRAFT: every account is evaluated as if the draft were applied. Nothing was changed.")
    store = stored.open()
    day = store.day(date)
    ids = stored.picked(day)
    report = progress_report()
    if any(one.proof.not_public is not None for one in plan.proofs):
        plan = structs.replace(plan, organizations=_organizations(store, day, report))
    listing = _OrganizationListing(stdout(), day.date, form, everything=everything)
    tables = _Parquet(home_expanded(parquet), day.date) if parquet is not None else None
    pages = partial(store.pages, day.date)
    indexes = []
    with closing(stored.workers_for(len(ids))) as doing:
        for answer in over_accounts(
            ids,
            lambda account: (account, pages(account)),
            partial(ask_account, plan, day.date),
            doing,
            lambda done: report(Progress("accounts", done, len(ids))),
        ):
            listing.add(answer)
            if answer.found is not None:
                if answer.found.index is not None:
                    indexes.append(answer.found.index)
                if tables is not None:
                    tables.write(answer.found.account, answer.found.rows)
        if indexes:
            _tell_across(plan, Ways(day.date, indexes, pages, doing), listing, tables)
    listing.end(day if not stored.accounts else StoreDay(day.date, ids, ()))
    listing.say_unasked(plan)
    return listing.exit(fail_on)


def _organizations(store: OrganizationStore, day: StoreDay, report: Callable[[Progress], object]) -> dict[str, str]:
    """The organization of each account of a day."""
    found: dict[str, str] = {}
    for account, organization in store.organizations(day):
        report(Progress("organizations", len(found), len(day.ids)))
        found[account] = organization
    return found


def _check_plan(plan: Plan) -> None:
    if plan == Plan(demands=plan.demands, whole=plan.whole):
        raise Problem(
            "There is nothing to ask.",
            "Name a file of questions, or --who-can, --never, --not-public, --escalations, --trust, --audit, --draft.",
        )
    if plan.draft is not None and plan.trust:
        raise Problem("--draft and --trust exclude each other.", "Ask with one of them.")


def _start(arn: str | None, *, trust: bool) -> str:
    """The ARN of the user or role from which chains begin, or ""."""
    if arn is None:
        return ""
    if not trust:
        raise Problem("--from applies only with --trust.", "Leave it out, or give --trust too.")
    parsed = parse_arn(arn)
    if parsed is None or parsed.service != "iam" or parsed.resource_type not in ("user", "role"):
        raise Problem(f"--from {arn} is not the ARN of a user or role.", "A name may exist in several accounts.")
    return arn


def _tell_across(plan: Plan, ways: Ways, listing: _OrganizationListing, tables: _Parquet | None) -> None:
    """Say what only several accounts together show, as it is found."""
    kept: dict[str, list[Callable[[], AnswerRow]]] = {}
    left = _MOST_ACROSS if tables is not None else 0
    for make in _across(plan, ways):
        row = make()
        listing.add_row(row)
        if left:
            # What a row is made of is far smaller.
            kept.setdefault(row.account, []).append(make)
            left -= 1
            if not left:
                listing.lack((f"More than {_MOST_ACROSS:,} rows about several accounts: no more are in the tables.",))
    listing.lack(ways.lacking)
    if tables is not None:
        for account, made in kept.items():
            tables.write(account, [make() for make in made], "across.parquet")


def _across(plan: Plan, ways: Ways) -> Iterator[Callable[[], AnswerRow]]:
    """Makers of the rows that concern several accounts."""
    if plan.escalations:
        yield from (partial(climb_row, climb) for climb in ways.climbs())
    if plan.start:
        yield from (partial(chain_row, plan.start, chain) for chain in ways.chains(plan.start))
    elif plan.trust:
        for role in ways.trusting:
            outside = ways.outside(role)
            if outside != ():
                yield partial(outside_row, role, outside)
        yield from (partial(edge_row, edge) for edge in ways.edges(ways.trusting))


def _saved(file: str | None, demands: Demands) -> tuple[SavedQuestion | SavedProof, ...]:
    if file is None:
        return ()
    saved = question_store("", file).questions_and_proofs()
    if not saved:
        raise Problem(f"No question is saved in {file}.", "Save one: `iamtui can ... --expect allowed --save NAME`.")
    for one in saved:
        if isinstance(one, SavedQuestion):
            check_matrix(one.question_matrix)
            demands.check_known(one.question_matrix)
    return saved


def _asked_of_all(actions: Sequence[str], resources: tuple[str, ...]) -> tuple[SavedQuestion, ...]:
    if resources and not actions:
        raise Problem("--on applies only with --who-can.", "Leave it out.")
    asked = [QuestionMatrix((action,), resources or ("*",), Question("", "*")) for action in actions]
    for matrix in asked:
        check_matrix(matrix)
        check_known(matrix.actions)
    return tuple(SavedQuestion(f"who-can {matrix.actions[0]}", "", matrix) for matrix in asked)


def _never(given: Sequence[tuple[str, str]], excepted: tuple[str, ...]) -> Iterator[SavedProof]:
    if excepted and not given:
        raise Problem("--except applies only with --never.", "Leave it out.")
    for principals, action in given:
        check_action(action, pattern=True)
        check_known([action])
        proof = ProofRecord(never=NeverRecord([principals], [action], excepted=[*excepted]))
        yield SavedProof(f"never {principals} {action}", "", proof)


def _not_public(resource: str) -> ProofRecord:
    check_resource(resource)
    return ProofRecord(not_public=NotPublicRecord([resource], "organization"))


def _draft(name: str | None, level: str | None) -> OrganizationDraft | None:
    if name is None:
        if level is not None:
            raise Problem("--at applies only with --draft.", "Leave it out.")
        return None
    return read_organization_draft(read_text(name, "draft", most=_LARGEST_DRAFT), shown_name(name), level or "")


class _OrganizationListing:
    """Prints rows as they come, and a summary at the end."""

    def __init__(self, out: Output, day: str, form: str, *, everything: bool) -> None:
        self._out = out
        self._day = day
        self._form = form
        self._everything = everything
        self._counts: Counter[tuple[str, str]] = Counter()
        self._tones: Counter[str] = Counter()
        self._asked: Counter[str] = Counter()
        self._lacking: dict[str, list[str]] = {}
        self._failed: list[tuple[str, str]] = []
        self._printer = ListingPrinter(out, form, answers(day))
        self._answered = 0
        self._not_so = self._in_part = False

    def add(self, answer: Done[AccountAnswer]) -> None:
        if answer.found is None:
            self._failed.append((answer.account, str(answer.problem)))
            return
        found = answer.found
        self._answered += 1
        self._asked.update(found.asked)
        self._in_part = self._in_part or found.part
        for sentence in (*found.lacking, *found.unasked):
            self._lacking.setdefault(sentence, []).append(found.account)
        for row in found.rows:
            self.add_row(row)

    def add_row(self, row: AnswerRow) -> None:
        self._counts[row.kind, row.verdict] += 1
        self._tones[row.tone] += 1
        self._not_so = self._not_so or row.verdict in ("not met", "counterexample")
        self._in_part = self._in_part or row.verdict == "not proved"
        is_silent = self._form == "text" and not self._everything and row.verdict in _SILENT
        if not is_silent and not (self._form == "sarif" and row.tone == "good"):
            self._printer.add(row)

    def lack(self, sentences: Iterable[str]) -> None:
        """Say what was not looked at."""
        for sentence in sentences:
            note(sentence)
            self._in_part = True

    def end(self, day: StoreDay) -> None:
        """Say what was counted, and what is not known."""
        refused = [*((f"account {id_}", words) for id_, words in self._failed)]
        refused += [(one.name, one.problem) for one in day.lacking]
        self._printer.end([("aws-accounts", safe_text(f"{name}: {words}", limit=512)) for name, words in refused])
        for sentence, ids in [*self._lacking.items()][:_MOST_SAID]:
            note(f"{sentence.rstrip('.')}: of {first_names(ids, _MOST_NAMED)}.")
        if len(self._lacking) > _MOST_SAID:
            more = counted(len(self._lacking) - _MOST_SAID, "more sentence")
            note(f"Left out: {more} about what is not known.")
        if not day.is_listed:
            note(f"{ACCOUNTS} of {day.date} is not there: whether accounts are missing is not known.")
        for name, words in refused:
            note(f"Not answered for {safe_text(name)}: {words}")
        self._in_part = self._in_part or bool(refused)
        kinds: dict[str, list[str]] = {}
        for (kind, verdict), count in sorted(self._counts.items()):
            kinds.setdefault(kind, []).append(f"{count:,} {verdict}")
        counts = "; ".join(f"{kind}: {', '.join(words)}" for kind, words in kinds.items()) or "nothing found"
        note(f"{self._answered:,} of {counted(self._answered + len(refused), 'account')} of {self._day}. {counts}.")

    def say_unasked(self, plan: Plan) -> None:
        """Note the questions that no account could evaluate: their silence proves nothing."""
        labels = [*(one.name for one in plan.questions), *(one.name for one in plan.proofs)]
        labels += ["draft"] if plan.draft is not None else []
        nowhere = [label for label in dict.fromkeys(labels) if not self._asked[label]]
        if nowhere:
            note(f"No account was evaluated, because none has what is named: {first_names(nowhere, 10)}.")
            self._in_part = True
        if plan.draft is not None and plan.escalations:
            self.lack(("With a draft, escalations are not followed from account to account.",))

    def exit(self, fail_on: str | None) -> Exit:
        failing = {"bad": ("bad",), "open": ("bad", "open")}.get(fail_on or "", ())
        if self._not_so or any(self._tones[tone] for tone in failing):
            return Exit.NO
        return Exit.OPEN if self._in_part else Exit.OK


class _Parquet:
    """Rows as Parquet, one file for each account and day.

    Raises:
        Problem: pyarrow is not installed.
    """

    def __init__(self, folder: Path, day: str) -> None:
        self._pyarrow = pyarrow_module()
        self._folder = folder
        self._day = day

    def write(self, account: str, rows: Sequence[AnswerRow], name: str = "results.parquet") -> None:
        arrow = self._pyarrow
        columns = [one.id for one in answers(self._day).columns_at(At.DATA) if one.id not in ("date", "account")]
        names = [*columns, "details"]
        form = arrow.schema([(name, arrow.bool_() if name == "complete" else arrow.string()) for name in names])
        cells = [row_cells(row, self._day) for row in rows]
        table = arrow.table({name: [one[name] for one in cells] for name in names}, schema=form)
        sink = arrow.BufferOutputStream()
        arrow.parquet.write_table(table, sink, compression="zstd")
        path = self._folder / f"date={self._day}" / f"account={account}" / name
        try:
            make_private_folder(path.parent)
            replace_file(path, sink.getvalue().to_pybytes())
        except OSError as error:
            raise Problem(f"{safe_text(path)} cannot be written: {error.strerror}.", "Check the folder.") from None


ENTRIES: Final = {
    "ask": CommandEntry("iamtui.cli.org", "ask", "Ask every account of a store."),
    "diff": CommandEntry("iamtui.cli.org", "org_diff", "Compare two days of a store, account by account."),
}


@click.group("org", cls=LazyGroup, entries=ENTRIES)
def org() -> None:
    """Ask all accounts of an organization, whose snapshots `iamtui snapshot --org` has put into a store."""


# `iamtui snapshot --org` and `iamtui org diff`: a day of an organization store, written, and two compared.


def write_store(folder: str, date: str | None, source: SourceOptions, *, last_accessed: bool) -> Exit:
    choice = command_choice(source, several=True)
    more = partial(with_all_facts, approve=unnamed_approval, last_accessed=last_accessed)
    writer = StoreWriter(folder, date, more)
    approve, approve_other = approval(source), organization_approval(source)
    refused = take_accounts(choice, writer, progress_report(), approve, approve_other)
    for one in refused:
        note(f"{one.words} It is tried again the next time.")
    stdout().line(
        f"Wrote {counted(len(writer.written), 'account')} to {writer.folder}; {len(writer.there):,} there already, "
        f"{len(refused):,} could not be read."
    )
    # One line, so that a name with spaces in it is copied whole.
    stderr().line(f"To upload it: {writer.upload}", whole=True)
    if not (writer.written or writer.there):
        raise Problem("None of the accounts could be read.", "The messages above give the reason for each.")
    return Exit.OPEN if refused else Exit.OK


@command("diff", epilog="Exit codes: 0; 1 with --fail-on; 2 an error; 3 in part.")
@click.argument("before", metavar="DATE")
@click.argument("after", metavar="DATE")
@store_options
@click.option(
    "--fail-on",
    type=click.Choice(("gained", "lost", "change")),
    help="Exit 1 if anything is gained, lost, or has changed at all in any account.",
)
@click.option("--summary", is_flag=True, help="Only count the changes of each account.")
@output_options("text", "json", "jsonl")
def org_diff(
    before: str,
    after: str,
    stored: StoreOptions,
    fail_on: str | None,
    summary: bool,
    form: str,
) -> Exit:
    """Changes in each account from one day of a store to another, as `iamtui diff` compares two snapshots.

    Accounts that are there on one of the days alone are named. With --fail-on, all of a new account is gained, and all
    of one that is gone is lost.
    """
    store = stored.open()
    first, second = store.day(before), store.day(after)
    before_too = frozenset(stored.picked(first))
    ids = [id_ for id_ in stored.picked(second) if id_ in before_too]
    report = progress_report()
    out = stdout()
    records = JsonRecords(out, lines=form == "jsonl") if form != "text" else None
    doing = stored.workers_for(len(ids))
    click.get_current_context().call_on_close(doing.close)
    found = over_accounts(
        ids,
        lambda account: (account, store.pages(first.date, account), store.pages(second.date, account)),
        partial(diff_account, (first.date, second.date), fail_on, summary),
        doing,
        lambda done: report(Progress("accounts", done, len(ids))),
    )
    changed = failed = answered = 0
    part = any((first.lacking, second.lacking))
    for one in found:
        if one.found is None:
            part = True
            note(f"Not compared: account {one.account}: {one.problem}")
            continue
        answered += 1
        changed += one.found.changed
        failed += one.found.fails
        part = part or not one.found.details["complete"]
        if records is not None:
            records.add({"account": one.account, **one.found.details})
        elif one.found.changed:
            out.line(Span(f"{one.account}", Style.STRONG), f"  {one.found.lines[0]}" if summary else "")
            for line in one.found.lines if not summary else ():
                out.line(f"  {line}")
        out.flush()
    part = part or not answered
    for day, other, effect in ((first, second, Effect.LOST), (second, first, Effect.GAINED)):
        alone = [] if stored.accounts else sorted(set(day.ids) - set(other.ids))
        _name_alone(day, alone, records)
        # One that was not read on the other day may have been as it is.
        failed += bool(alone) and fails(frozenset((effect,)), fail_on) and not all(map(other.may_have, alone))
    if records is not None:
        records.end()
    note(f"{counted(answered, 'account')} compared, {changed:,} changed.")
    return Exit.NO if failed else Exit.OPEN if part else Exit.OK


def _name_alone(day: StoreDay, alone: Sequence[str], records: JsonRecords | None) -> None:
    """Name the accounts that are there on one of the days alone, and those that were not read on it."""
    if records is not None:
        for account in alone:
            records.add({"account": account, "only_on": day.date})
    if alone:
        note(f"Only on {day.date}: {first_names(alone, _MOST_NAMED)}.")
    for refused in day.lacking:
        note(f"Not read on {day.date}: {safe_text(refused.name)}: {refused.problem}")


class AccountChange(Struct, frozen=True):
    """Changes of one account.

    Args:
        changed: whether anything is.
        fails: whether what --fail-on names has happened.
        lines: as `iamtui diff` prints it, or its counts; safe to show.
        details: as it prints it as JSON, or its counts.
    """

    changed: bool
    fails: bool
    lines: tuple[str, ...]
    details: dict[str, Any]


def diff_account(
    days: tuple[str, str], fail_on: str | None, summary: bool, data: tuple[str, bytes, bytes]
) -> AccountChange:
    """Compare an account on two days.

    Args:
        summary: whether only counts are told.
        data: its id, and its pages of both days.

    Raises:
        Problem: it cannot be read.
    """
    account, *pages = data
    pool = SameDocuments()
    before, after = (workspace_of(account_in(data, day, account, pool)) for data, day in zip(pages, days, strict=True))
    found = diff_accounts(before, after)
    changed = bool(found.entities or found.effects())
    lost = any(gap.what == LOST_POLICIES for side in (before, after) for gap in side.account.gaps)
    if summary:
        counts, words = _counts(found)
        details = {"complete": found.complete and not lost, **counts}
        return AccountChange(changed, diff_fails(found, fail_on), (words,), details)
    text = io.StringIO()
    print_diff(Output(text), found, ascii_only=True)
    lines = [*text.getvalue().splitlines(), *(f"Not compared: {one}" for one in found.impact.not_compared)]
    details = diff_json(found)
    details["complete"] = details["complete"] and not lost
    return AccountChange(changed, diff_fails(found, fail_on), tuple(lines), details)


def _counts(found: AccountDiff) -> tuple[dict[str, Any], str]:
    """How much of each kind has changed, and the same in words."""
    impact = found.impact
    counted_kinds = {
        "entities": Counter(one.change for one in found.entities),
        "access": Counter(one.effect.value for one in impact.access),
        "trust": Counter(one.effect.value for one in impact.trust),
        "escalations": Counter(one.effect.value for one in impact.escalations),
    }
    words = [
        f"{kind}: {', '.join(f'{count:,} {effect}' for effect, count in sorted(counts.items()))}"
        for kind, counts in counted_kinds.items()
        if counts
    ]
    words += [f"{len(impact.not_compared):,} not compared"] if impact.not_compared else []
    found_counts = {kind: dict(counts) for kind, counts in counted_kinds.items()}
    return {**found_counts, "not_compared": len(impact.not_compared)}, "; ".join(words)
