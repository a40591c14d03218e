"""Recent questions, and saved ones with a name, which are a regression set for policies."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta, Struct, field

from iamtui.account.model import DEMO
from iamtui.credentials.secure_files import destination, locked, replace_file
from iamtui.engine.decision import Expectation, Layer
from iamtui.engine.request import Mode
from iamtui.input_files import MissingFile, read_document
from iamtui.paths import data_folder
from iamtui.policy.document import DocumentError, load_json
from iamtui.problem import Problem
from iamtui.questions.question import Question, QuestionMatrix
from iamtui.text import safe_text
from iamtui.typed_json import prepared
from iamtui.workspace.source.workspace import SourceKind, Workspace

# The file of asked and saved questions: its form, reading with exact paths, and writing whole or not at all.


VERSION: Final = 1
LARGEST: Final = 8 * 1024 * 1024
"""Bytes that are read at most."""

_AT: Final = re.compile(r"^(?P<what>.*?)(?: - at `(?P<path>.*)`)?$", re.DOTALL)


class QuestionRecord(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A question in the format of the file."""

    actions: list[str]
    resources: list[str] = field(default_factory=lambda: ["*"])
    context: dict[str, list[str]] = field(default_factory=dict)
    mode: Mode = Mode.DISCOVER
    resource_account: str | None = None
    session_policies: list[str] = field(default_factory=list)
    scope_down_policies: list[str] = field(default_factory=list)
    layers_off: list[Layer] = field(default_factory=list)
    region: str = ""
    chained_from: str = ""
    with_checks: dict[str, list[str]] = field(default_factory=dict)


class HistoryRecord(Struct, frozen=True, forbid_unknown_fields=True):
    """One question of the history."""

    account: str
    asked_at: datetime
    question: QuestionRecord
    principal: str = ""


_Few = Annotated[list[str], Meta(min_length=1, max_length=100)]
_Some = Annotated[list[str], Meta(max_length=100)]


class NeverRecord(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """That nobody of some principals can ever do any of some actions, as `iamtui prove never` takes them."""

    principals: _Few
    actions: _Few
    on: str = "*"
    excepted: _Some = field(default_factory=list, name="except")


class NotPublicRecord(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, rename="kebab"):
    """That nobody outside can use some resources by their policies, as `iamtui prove not-public` takes them."""

    resources: _Few
    outside: Literal["account", "organization"] = "account"
    excepted: _Some = field(default_factory=list, name="except")
    policy_alone: bool = False


class NothingNewRecord(Struct, frozen=True, forbid_unknown_fields=True):
    """That nothing is possible with the draft that is given which is not without it."""


class ProofRecord(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, rename="kebab"):
    """The property to prove: one of these."""

    never: NeverRecord | None = None
    not_public: NotPublicRecord | None = None
    no_broader: NothingNewRecord | None = None

    def __post_init__(self) -> None:
        if sum(one is not None for one in (self.never, self.not_public, self.no_broader)) != 1:
            raise ValueError("a proof is one of never, not-public and no-broader")


class SavedRecord(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One question, or one proof, that has a name."""

    name: str
    question: QuestionRecord | None = None
    account: str = ""
    principal: str = ""
    expect: Expectation | None = None
    proof: ProofRecord | None = None

    def __post_init__(self) -> None:
        if (self.question is None) is (self.proof is None):
            raise ValueError("it has either a question or a proof")
        if self.proof is not None and (self.principal or self.expect is not None):
            raise ValueError("a proof has no principal and no expectation beside it")


class QuestionsFile(Struct, frozen=True, forbid_unknown_fields=True):
    """The whole file."""

    version: int = VERSION
    history: list[HistoryRecord] = field(default_factory=list)
    saved: Annotated[list[SavedRecord], Meta(max_length=10_000)] = field(default_factory=list)


def read_file(path: Path) -> QuestionsFile:
    """Read the file; one that does not exist is empty.

    Raises:
        Problem: it cannot be read, is faulty (with the path inside it), or was made by a newer iamtui.
    """
    try:
        data = read_document(path, f"The questions file {safe_text(path)}", most=LARGEST)
    except MissingFile:
        return QuestionsFile()
    try:
        # One key twice, as a merge leaves it, would hide what the first one expects.
        found = msgspec.convert(load_json(data.decode(), max_characters=LARGEST), prepared(QuestionsFile))
    except UnicodeEncodeError:
        raise _faulty(path, "a text has half of a surrogate pair", data) from None
    except msgspec.ValidationError as error:
        raise _faulty(path, str(error), data) from None
    except UnicodeDecodeError as error:
        raise _faulty(path, f"it is not UTF-8 text (byte {error.start + 1:,})", data) from None
    except DocumentError as error:
        raise _faulty(path, f"it is not JSON: {error}", data) from None
    if found.version > VERSION:
        raise Problem(
            f"The questions file {safe_text(path)} is of version {found.version}, and version {VERSION} is read here.",
            "Use a newer iamtui.",
        )
    return found


def _faulty(path: Path, message: str, data: bytes) -> Problem:
    if not data.strip():
        return Problem(f"The questions file {safe_text(path)} is empty.", _NEXT_STEP)
    match = _AT.match(message)
    where, what = (match["path"], match["what"]) if match else ("", message)
    at = f"{safe_text(where)}: " if where else ""
    return Problem(f"The questions file {safe_text(path)} is faulty: {at}{safe_text(what)}.", _NEXT_STEP)


_NEXT_STEP: Final = "Nothing is written over it: correct it, or move it away, and a new one is written."


def write_file(path: Path, form: QuestionsFile, *, keep_mode: bool = False) -> None:
    """Write the file; it is complete or as it was before, and only its owner may read it.

    Args:
        keep_mode: leave an existing file as readable as it is (one of a repository).

    Raises:
        Problem: it cannot be written, or a text in it is no Unicode.
    """
    try:
        data = msgspec.json.format(msgspec.json.encode(form), indent=2) + b"\n"
    except UnicodeEncodeError:
        raise Problem("The question has half of a character (a lone surrogate), so it cannot be kept.") from None
    try:
        replace_file(path, data, keep_mode=keep_mode)
    except OSError as error:
        raise Problem(
            f"The questions file {safe_text(path)} cannot be written: {error.strerror}.", "Check the folder."
        ) from None


_DEMO_ID: Final = "111122223333"
"""The account id of the built-in demo, whose questions are saved under DEMO, apart from those of real accounts."""

MOST_IN_HISTORY: Final = 200
"""Questions that the history keeps of each account."""

_LONGEST_NAME: Final = 100


class HistoryEntry(Struct, frozen=True):
    """A question of the history; `principal` is an ARN or what was typed, or ""; `asked_at` is UTC."""

    question_matrix: QuestionMatrix
    principal: str
    asked_at: datetime


class SavedQuestion(Struct, frozen=True):
    """A question with a name.

    Args:
        name: unique within its account.
        account: 12 digits, "demo", or "" for whichever account is open.
        principal: as typed, or "" to ask as whoever is chosen.
        expect: the decision that it is expected to have, or None.
    """

    name: str
    account: str
    question_matrix: QuestionMatrix
    principal: str = ""
    expect: Expectation | None = None


class SavedProof(Struct, frozen=True):
    """A proof with a name.

    Args:
        account: as that of a question.
    """

    name: str
    account: str
    proof: ProofRecord


def account_key(workspace: Workspace) -> str:
    """The key that a workspace's questions are kept under: its account, or "demo", also for a snapshot of the demo."""
    is_demo = workspace.source.kind is SourceKind.DEMO or workspace.account.not_aws == DEMO
    return DEMO if is_demo else workspace.account.id


def about_account(saved: SavedQuestion | SavedProof, account: str) -> SavedQuestion | SavedProof:
    """A question that is saved for one account, with the id of another in place of that account's id.

    Args:
        account: the 12 digits of the other account.
    """
    own = _DEMO_ID if saved.account == DEMO else saved.account
    if not own or own == account:
        return saved
    if isinstance(saved, SavedProof):
        record = SavedRecord(saved.name, account=saved.account, proof=saved.proof)
    else:
        asked = record_of(saved.question_matrix)
        record = SavedRecord(saved.name, asked, saved.account, saved.principal, saved.expect)
    # Ids are in ARNs, values of condition keys and session policies; the name is no place of one.
    text = re.sub(rf"(?<![0-9]){own}(?![0-9])", account, msgspec.json.encode(record).decode())
    changed = msgspec.json.decode(text, type=prepared(SavedRecord))
    return _saved(msgspec.structs.replace(changed, name=saved.name, account=saved.account))


def questions_path() -> Path:
    """Where questions are kept; it need not exist."""
    return data_folder() / "questions.json"


def testing(saved: Iterable[SavedQuestion]) -> tuple[list[SavedQuestion], list[SavedQuestion]]:
    """Those of many questions that test something, and those that do not: they name nobody and expect nothing."""
    chosen: list[SavedQuestion] = []
    left_out: list[SavedQuestion] = []
    for question in saved:
        (chosen if question.principal or question.expect is not None else left_out).append(question)
    return chosen, left_out


class QuestionStore:
    """The questions kept for one account. All methods block for file access and raise a Problem for a faulty file.

    Every change reads the file again under a lock, so that two programs do not lose each other's entries; a file
    that cannot be read is left as it is.

    Args:
        account: see `account_key`; "" sees the entries of every account.
        path: the file; None: the one of the data folder.
    """

    def __init__(self, account: str, path: Path | None = None) -> None:
        self.account = account
        self._is_own = path is None
        self.path = (path or questions_path()).absolute()

    def history(self) -> tuple[HistoryEntry, ...]:
        """Recent questions, the latest first."""
        return tuple(
            HistoryEntry(matrix_of_record(entry.question), entry.principal, entry.asked_at)
            for entry in read_file(self.path).history
            if self._is_ours(entry.account)
        )

    def saved(self) -> tuple[SavedQuestion, ...]:
        """The saved questions, in the order they were saved; proofs are not among them."""
        return tuple(one for one in self.questions_and_proofs() if isinstance(one, SavedQuestion))

    def questions_and_proofs(self) -> tuple[SavedQuestion | SavedProof, ...]:
        """All that has a name, in the order it was saved."""
        return tuple(_saved(entry) for entry in read_file(self.path).saved if self._is_ours(entry.account))

    def find(self, name: str) -> SavedQuestion:
        """A saved question by its name.

        Raises:
            Problem: there is none of that name (names the nearest), or several accounts have one, or it is a proof.
        """
        found = self.find_any(name)
        if isinstance(found, SavedProof):
            raise Problem(
                f"{quoted(name)} is a proof, which is about no single request.", "See `iamtui questions run`."
            )
        return found

    def find_any(self, name: str) -> SavedQuestion | SavedProof:
        """A saved question or proof by its name.

        Raises:
            Problem: there is none of that name (names the nearest), or several accounts have one.
        """
        everyone = self.questions_and_proofs()
        found = [entry for entry in everyone if entry.name == name]
        if len(found) == 1:
            return found[0]
        if found:
            accounts = ", ".join(entry.account or "any account" for entry in found)
            raise Problem(
                f"Several accounts have a question {quoted(name)}: {accounts}.", "Choose one of them with --account."
            )
        others = [entry.account for entry in read_file(self.path).saved if entry.name == name]
        if others:
            raise Problem(
                f"The question {quoted(name)} is saved for {accounts_in_words(others)}, not for "
                f"{accounts_in_words([self.account])}.",
                "`iamtui questions run --account ACCOUNT` asks another account's questions about the one that is open.",
            )
        raise _unknown(name, [entry.name for entry in everyone])

    def other_accounts(self) -> tuple[str, ...]:
        """The accounts that the file has saved questions for and this store does not see."""
        saved = read_file(self.path).saved
        return tuple(dict.fromkeys(entry.account for entry in saved if not self._is_ours(entry.account)))

    def add_to_history(
        self, question_matrix: QuestionMatrix, principal: str = "", *, now: datetime | None = None
    ) -> None:
        """Put a question at the front of the history; the same one further back goes.

        Args:
            now: UTC; None: the clock.
        """
        entry = HistoryRecord(
            self.account,
            (now or datetime.now(UTC)).replace(microsecond=0),
            remembered_record_of(question_matrix),
            principal,
        )

        def put(form: QuestionsFile) -> QuestionsFile:
            rest = [old for old in form.history if msgspec.structs.replace(old, asked_at=entry.asked_at) != entry]
            ours = [old for old in rest if old.account == self.account][: MOST_IN_HISTORY - 1]
            kept = {id(old) for old in ours}
            rest = [old for old in rest if old.account != self.account or id(old) in kept]
            return msgspec.structs.replace(form, history=[entry, *rest])

        self._change(put)

    def clear_history(self) -> None:
        """Forget the recent questions about this account."""
        self._change(
            lambda form: msgspec.structs.replace(
                form, history=[entry for entry in form.history if not self._is_ours(entry.account)]
            )
        )

    def save(
        self,
        name: str,
        question_matrix: QuestionMatrix,
        principal: str = "",
        *,
        expect: Expectation | None = None,
        overwrite: bool = False,
    ) -> None:
        """Save a question under a name.

        Raises:
            Problem: the name cannot be one, or is taken and not to be overwritten.
        """
        _check_name(name)
        self._put(SavedRecord(name, record_of(question_matrix), self.account, principal, expect), overwrite=overwrite)

    def save_proof(self, name: str, proof: ProofRecord) -> None:
        """Save what is to be proved under a name.

        Raises:
            Problem: the name cannot be one, or is taken.
        """
        _check_name(name)
        self._put(SavedRecord(name, account=self.account, proof=proof), overwrite=False)

    def _put(self, entry: SavedRecord, *, overwrite: bool) -> None:
        name = entry.name

        def put(form: QuestionsFile) -> QuestionsFile:
            places = [i for i, old in enumerate(form.saved) if (old.name, old.account) == (name, self.account)]
            if places and not overwrite:
                raise Problem(f"A question {quoted(name)} is saved already.", "Choose another name, or remove it.")
            saved = [entry if i in places else old for i, old in enumerate(form.saved)]
            return msgspec.structs.replace(form, saved=saved if places else [*saved, entry])

        self._change(put)

    def rename(self, name: str, new_name: str) -> None:
        """Give a saved question another name.

        Raises:
            Problem: there is none of that name, or the new one cannot be one or is taken.
        """
        _check_name(new_name)
        account = self.find_any(name).account

        def put(form: QuestionsFile) -> QuestionsFile:
            if any((old.name, old.account) == (new_name, account) for old in form.saved):
                raise Problem(f"A question {quoted(new_name)} is saved already.", "Choose another name.")
            return msgspec.structs.replace(
                form,
                saved=[
                    msgspec.structs.replace(old, name=new_name) if (old.name, old.account) == (name, account) else old
                    for old in form.saved
                ],
            )

        self._change(put)

    def delete(self, name: str) -> None:
        account = self.find_any(name).account
        self._change(
            lambda form: msgspec.structs.replace(
                form, saved=[old for old in form.saved if (old.name, old.account) != (name, account)]
            )
        )

    def _is_ours(self, account: str) -> bool:
        return not self.account or account in ("", self.account)

    def _change(self, change: Callable[[QuestionsFile], QuestionsFile]) -> None:
        # Links are followed, so that a file kept elsewhere stays one.
        target = destination(self.path)
        with locked(target):
            before = read_file(target)
            after = change(before)
            if after != before:
                write_file(target, after, keep_mode=not self._is_own)


def record_of(question_matrix: QuestionMatrix) -> QuestionRecord:
    """A question in the format of a file."""
    terms = question_matrix.terms
    return QuestionRecord(
        actions=list(question_matrix.actions),
        resources=list(question_matrix.resources),
        context={key: list(values) for key, values in terms.context.items()},
        mode=terms.mode,
        resource_account=terms.resource_account,
        session_policies=list(terms.session_policies),
        scope_down_policies=list(terms.scope_downs),
        layers_off=sorted(terms.layers_off),
        region=terms.region,
        chained_from=question_matrix.chained_from,
        with_checks={action: list(resources) for action, resources in question_matrix.with_checks.items()},
    )


def remembered_record_of(question_matrix: QuestionMatrix) -> QuestionRecord:
    """A question as it is remembered unasked: without the external id, which two parties share as a secret."""
    record = record_of(question_matrix)
    context = {key: values for key, values in record.context.items() if key.lower() != "sts:externalid"}
    return msgspec.structs.replace(record, context=context)


def matrix_of_record(record: QuestionRecord) -> QuestionMatrix:
    """The question of a record; it is checked when it is evaluated."""
    terms = Question(
        "",
        "*",
        {key: tuple(values) for key, values in record.context.items()},
        record.mode,
        record.resource_account,
        tuple(record.session_policies),
        frozenset(record.layers_off),
        record.region,
        scope_downs=tuple(record.scope_down_policies),
    )
    return QuestionMatrix(
        tuple(record.actions),
        tuple(record.resources),
        terms,
        record.chained_from,
        {action: tuple(resources) for action, resources in record.with_checks.items()},
    )


def accounts_in_words(keys: Iterable[str]) -> str:
    """Accounts as questions are saved for them, in a sentence: "account 123456789012 and the demo account"."""
    words = ["the demo account" if key == DEMO else f"account {safe_text(key)}" for key in keys]
    return " and ".join((", ".join(words[:-1]), words[-1]) if len(words) > 1 else words)


def quoted(name: str) -> str:
    """The name of a question in a sentence, safe to show: it may hold spaces, so it is quoted."""
    return f'"{safe_text(name, limit=_LONGEST_NAME)}"'


def _saved(entry: SavedRecord) -> SavedQuestion | SavedProof:
    if entry.proof is not None:
        return SavedProof(entry.name, entry.account, entry.proof)
    assert entry.question is not None, "a record has either"
    return SavedQuestion(entry.name, entry.account, matrix_of_record(entry.question), entry.principal, entry.expect)


def _check_name(name: str) -> None:
    if not name.strip() or name != name.strip():
        raise Problem("A saved question needs a name without spaces around it.", "Name it lake-read, for example.")
    if len(name) > _LONGEST_NAME or safe_text(name, limit=None) != name:
        raise Problem(
            f"{safe_text(name, limit=_LONGEST_NAME)} cannot be the name of a question: at most {_LONGEST_NAME} visible "
            "characters.",
            "Name it lake-read, for example.",
        )


def _unknown(name: str, names: list[str]) -> Problem:
    near = difflib.get_close_matches(name, names, n=3, cutoff=0.5)
    hint = f"Nearest: {', '.join(map(quoted, near))}." if near else "See `iamtui questions`."
    return Problem(f"No question is saved as {quoted(name)}.", hint)
