"""How the caller comes: `mfa`, `from=role/NAME` (role chaining), `session=FILE` or `session={...}` (session policy).

Pure, but for `read_policy_file`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

from iamtui.input_files import home_expanded, read_document, text_of
from iamtui.policy.document import PolicyDocument
from iamtui.problem import Problem
from iamtui.text import safe_text
from iamtui.tui.question.completing_input import Offer, said

if TYPE_CHECKING:
    from iamtui.account.model import Account

MFA: Final = "mfa"
CHAINED: Final = "from="
SESSION: Final = "session="
WRITTEN: Final = f"{SESSION}written"
"""The word for the session policy that was typed in the editor."""

_LARGEST_FILE: Final = 1_000_000


class CallerTerms(NamedTuple):
    """What is said of the caller.

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
