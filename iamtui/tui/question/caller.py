"""How the caller comes: `mfa`, `from=role/NAME` (chaining), `session=FILE` or `session={...}`; read, field and row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, ClassVar, Final, NamedTuple

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.widgets import Label

from iamtui.input_files import read_document, text_of
from iamtui.paths import home_expanded
from iamtui.policy.document import PolicyDocument
from iamtui.problem import Problem
from iamtui.text import safe_text
from iamtui.tui.background import get_in_thread
from iamtui.tui.question.completing_input import CompletingInput, Completions, Offer, joined, last_word, said

if TYPE_CHECKING:
    from iamtui.account.model import Account

MFA: Final = "mfa"
CHAINED: Final = "from="
SESSION: Final = "session="
WRITTEN: Final = f"{SESSION}written"
"""The word for the session policy that was typed in the editor."""

_LARGEST_FILE: Final = 1_000_000


class CallerTerms(NamedTuple):
    """Properties of the caller in a question.

    Args:
        mfa: whether MFA was used when the session began.
        chained_from: ARN of the role whose session assumed the asking role, or "".
        session_policies: JSON texts, each readable.
    """

    mfa: bool = False
    chained_from: str = ""
    session_policies: tuple[str, ...] = ()


def read_caller(text: str, account: Account | None, texts: Mapping[str, str]) -> CallerTerms:
    """Read the caller's line.

    Args:
        account: where roles are looked up.
        texts: the session policies that are loaded, by what stands behind `session=`.

    Raises:
        Problem: an unknown word, a role that is not there, a policy that cannot be read or is not loaded yet.
    """
    mfa, chained, policies = False, "", []
    for word in said(text, commas=False):
        if word.lower() == MFA:
            mfa = True
        elif word.startswith(CHAINED):
            chained = _role(word.removeprefix(CHAINED), account)
        elif word.startswith(SESSION):
            policies.append(_policy(word.removeprefix(SESSION), texts))
        else:
            raise Problem(
                f"{safe_text(word, limit=64)} says nothing about a caller.",
                "Write mfa, from=role/NAME, session=FILE or session={...}, several separated by spaces.",
            )
    return CallerTerms(mfa, chained, tuple(policies))


def _role(name: str, account: Account | None) -> str:
    if not name:
        raise Problem("from= does not name a role.", "Write from=role/NAME, or the role's ARN.")
    if name.startswith("arn:"):
        return name
    role = account.role(name.removeprefix("role/").rpartition("/")[2]) if account is not None else None
    if role is None:
        raise Problem(
            f"No role of this account is {safe_text(name, limit=128)}.", "Write from=role/NAME, or the role's ARN."
        )
    return role.arn


def _policy(name: str, texts: Mapping[str, str]) -> str:
    text = name if name.startswith("{") else texts.get(name)
    if not name:
        raise Problem("session= does not name a policy.", "Write session=FILE, session={...}, or choose to write one.")
    if text is None:
        raise Problem(f"The session policy {safe_text(name, limit=128)} is not read yet.", "Press Enter to read it.")
    check_policy(text, safe_text(name, limit=64))
    return text


def check_policy(text: str, name: str) -> None:
    """Refuse a text that is not a policy document.

    Raises:
        Problem: with the position of what is wrong.
    """

    document = PolicyDocument(text)
    if document.error is not None:
        raise Problem(f"The session policy {name} is not readable: {document.error}", "Correct it and press Enter.")


def read_policy_file(name: str) -> str:
    """The text of a policy file. Blocking: for a thread.

    Raises:
        Problem: it cannot be read, is too large to be a policy, or is no policy.
    """
    subject = f"The session policy {safe_text(name)}"
    text = text_of(read_document(home_expanded(name), subject, most=_LARGEST_FILE), subject)
    check_policy(text, safe_text(name, limit=64))
    return text


def caller_offers(word: str, account: Account | None) -> Sequence[Offer]:
    if word.startswith(CHAINED):
        roles = account.roles if account is not None else ()
        needle = word.removeprefix(CHAINED).removeprefix("role/").lower()
        found = [role for role in roles if needle in role.name.lower()]
        # Enter takes the first one.
        found.sort(key=lambda role: not role.name.lower().startswith(needle))
        return [Offer(f"{CHAINED}role/{role.name}", "role", role.arn) for role in found[:50]]
    offers = (
        Offer(MFA, "", "Signed in with MFA when the session began"),
        Offer(CHAINED, "", "Chained: another role's session assumes this role"),
        Offer(WRITTEN, "", "A session policy written in an editor here"),
        Offer(SESSION, "", "A session policy from a JSON file"),
    )
    needle = word.lower()
    front = [offer for offer in offers if offer.value.startswith(needle)]
    return front or [offer for offer in offers if needle in offer.about.lower()]


class CallerField(CompletingInput):
    """How the caller comes: a role it is chained from, a session policy, MFA."""

    REPLACED: ClassVar[bool] = False

    def stands_alone(self, word: str) -> bool:
        """Keep nothing, and what has a value; the part of a role's name is none."""
        value = word.partition("=")[2]
        if word.startswith(CHAINED) and value:
            names = (word, f"{CHAINED}role/{value}")
            return value.startswith("arn:") or any(offer.value in names for offer in self.completions.offers)
        return not word or word == MFA or bool(value)

    def is_part(self, value: str) -> bool:
        return value.endswith("=")


# CallerRow: the line that says how the caller comes; on screen only while it is used.


_WRITTEN = "written"


class CallerRow(Vertical):
    """Says `Changed` when a session policy has been read or written: what is typed, the field itself says."""

    DEFAULT_CSS = """
    CallerRow {
        height: auto;
        &.-unused {
            display: none;
        }
    }
    """

    @dataclass(eq=False, repr=False)
    class CallerChanged(Message):
        """The line changed without typing. `done`: Enter was pressed and all of it is there."""

        done: bool

    @dataclass(eq=False, repr=False)
    class WritePolicy(Message):
        """The user wants to write a session policy."""

    def __init__(self) -> None:
        super().__init__(classes="-later -unused")
        self.field = CallerField(Completions(), placeholder="mfa, from=role/NAME, session=FILE", id="question-caller")
        self._texts: dict[str, str] = {}
        self._files: set[str] = set()
        self._unread: dict[str, Problem] = {}

    def compose(self) -> ComposeResult:
        with Horizontal(classes="row"):
            yield Label("Caller")
            yield self.field
        yield self.field.completions

    @property
    def says_mfa(self) -> bool:
        return "mfa" in said(self.field.value.lower(), commas=False)

    @property
    def written(self) -> str:
        """The text of the session policy that was written here, or ""."""
        return self._texts.get(_WRITTEN, "")

    @property
    def files(self) -> Mapping[str, str]:
        return {self._texts[name]: str(home_expanded(name).absolute()) for name in sorted(self._files)}

    def left_out(self, account: Account | None) -> str:
        """The word at the end of the line that is still being typed, and so says nothing yet; "" for none."""
        word = self.field.word
        if not (word and self.field.has_focus) or word in self._unread:
            return ""
        try:
            read_caller(word, account, self._texts)
        except Problem:
            return word
        return ""

    def terms(self, account: Account | None, *, entered: bool = True) -> CallerTerms:
        """Properties of the caller in the line.

        Args:
            entered: whether what stands in it is meant as it is; else a word that is still being typed says nothing.

        Raises:
            Problem: it cannot be read, or a session policy is not read yet.
        """
        text = self.field.value
        if not entered and self.left_out(account):
            text = last_word(text, commas=False)[0]
        unread = next((self._unread[word] for word in said(text, commas=False) if word in self._unread), None)
        if unread is not None:
            raise unread
        return read_caller(text, account, self._texts)

    def fill(self, words: list[str], policies: Mapping[str, str]) -> None:
        self._texts, self._files = dict(policies), set()
        self.field.value = joined(words)
        self.field.close()
        self.set_class(not words, "-unused")

    def open(self) -> None:
        self.remove_class("-unused")
        self.screen.set_focus(self.field)

    def take_policy(self, text: str) -> None:
        self._take(_WRITTEN, text)

    def _take(self, name: str, text: str) -> None:
        self._unread.pop(f"{SESSION}{name}", None)
        self._texts[name] = text
        self.post_message(self.CallerChanged(done=True))

    @on(events.DescendantBlur)
    def _left(self) -> None:
        if not self.field.value.strip():
            self.add_class("-unused")

    @on(CompletingInput.Entered)
    def _entered(self, event: CompletingInput.Entered) -> None:
        event.stop()
        for word in said(self.field.value, commas=False):
            name = word.removeprefix(SESSION)
            if name == word or not name or name.startswith("{") or name in self._texts:
                continue
            if name == _WRITTEN:
                self.post_message(self.WritePolicy())
            else:
                get_in_thread(
                    self, partial(read_policy_file, name), partial(self._policy_read, name),
                    partial(self._policy_unread, name), name="reading a session policy", group="session-policy",
                )  # fmt: skip
            return
        self.post_message(self.CallerChanged(done=True))

    def _policy_read(self, name: str, text: str) -> None:
        self._files.add(name)
        self._take(name, text)

    def _policy_unread(self, name: str, problem: Problem) -> None:
        self._unread[f"{SESSION}{name}"] = problem
        self.post_message(self.CallerChanged(done=False))
