"""Which accounts and roles are production, so that a screen can warn before somebody acts in the wrong one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Final

from iamtui.account.availability import Missing
from iamtui.account.model import Account
from iamtui.credentials.session import Session
from iamtui.policy.pattern import Glob, parse_pieces, tokens_of

_WORD: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
"""`deploy-prod2`, `DeployProd` and `deploy_PROD` all have the word "prod"."""

_NOT: Final = ("non", "not", "pre")
"""What, before or at the start of a word, says that it is another environment."""


def is_production(name: str, patterns: str) -> bool:
    """Whether a name is one of production.

    A pattern counts when it matches the whole name or one of its words, letter case aside. A word after or with
    "non" or "pre" does not count (non-prod, preprod), except for a pattern that says so itself.

    Args:
        name: an account's alias or id, or a role's name.
        patterns: the setting `production`: patterns with `*` and `?`, separated by commas or spaces; "" is none.
    """
    words = tuple(_words(name))
    counting = tuple(word for word, other in words if not other)
    elsewhere = len(counting) < len(words)
    for pattern, glob in _globs(patterns):
        if any(glob.matches(word) for word in counting):
            return True
        if glob.matches(name.lower()) and (not elsewhere or any(mark in pattern for mark in _NOT)):
            return True
    return False


def alias_of(session: Session, account: Account) -> str:
    """The alias of the session's account, where that is the account that is open and its alias is known; else ""."""
    if session.account != account.id or isinstance(account.alias, Missing):
        return ""
    return account.alias.value or ""


def session_is_production(session: Session, account: Account | None, patterns: str) -> bool:
    """Whether the role of a session, or its account by id or alias, is one of production.

    Args:
        account: the account that is open, which may have an alias.
    """
    alias = alias_of(session, account) if account is not None else ""
    names = (session.role_arn.rsplit("/", 1)[-1], session.account, alias)
    return any(is_production(name, patterns) for name in names if name)


def _words(name: str) -> Iterator[tuple[str, bool]]:
    """The words of a name, and whether each is one of another environment."""
    before = ""
    for match in _WORD.finditer(name):
        word = match.group().lower()
        yield word, before in _NOT or word.startswith(_NOT)
        before = word


@cache
def _globs(patterns: str) -> tuple[tuple[str, Glob], ...]:
    words = patterns.lower().replace(",", " ").split()
    return tuple((word, Glob(tokens_of(parse_pieces(word, variables=False)))) for word in words)
