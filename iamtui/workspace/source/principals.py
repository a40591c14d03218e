"""Resolving what a user typed for a principal or a role, against the account."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import Final

from iamtui.account.model import Account, Missing, Role, User
from iamtui.catalog.tables import unique_id_kind
from iamtui.credentials.session import Session
from iamtui.engine.request import ANONYMOUS, Principal, PrincipalKind, principal_from_text
from iamtui.policy.pattern_overlap import first_common
from iamtui.policy.patterns import Glob, parse_pieces, tokens_of
from iamtui.problem import Problem
from iamtui.questions.account_index import principal_of
from iamtui.text import safe_text
from iamtui.workspace.source.workspace import Workspace

_MOST_SUGGESTIONS = 5

_BUILT_IN_PROVIDERS: Final = frozenset(
    ("accounts.google.com", "cognito-identity.amazonaws.com", "graph.facebook.com", "www.amazon.com")
)
"""Identity providers that trust policies name by their host (IAM User Guide: Principal element, federated users)."""


class UnknownPrincipal(Problem):
    """No principal, or more than one, answers to the text."""


def principal_for(workspace: Workspace, entity: User | Role) -> Principal:
    """The Principal that asks when this user, or some session of this role, is meant.

    Whether a user comes with access keys or temporary credentials is left open, so that MFA and its kin stay
    conditions instead of being taken for absent.
    """
    return principal_of(workspace.at(entity.arn.split(":", 5)[4]).account, entity)


def is_not_there(workspace: Workspace, principal: Principal) -> bool:
    """True where a user or role of the account is certainly not in it, such as one that a draft makes."""
    return is_not_listed(workspace, principal) and not workspace.account.lacks_principals


def is_not_listed(workspace: Workspace, principal: Principal) -> bool:
    """True where a user or role of the account is not in it as far as that was read."""
    account = workspace.account
    here = principal.kind in (PrincipalKind.USER, PrincipalKind.ROLE) and principal.account == account.id
    return here and account.by_arn(principal.arn) is None


def resolve_principal(workspace: Workspace, text: str, actions: Sequence[str] = ()) -> Principal:
    """Turn what names a principal into a Principal.

    Takes an ARN, unique id, `user/NAME`, `role/NAME` (path optional), `root`, service name, `anonymous` or an
    unambiguous bare name.

    Args:
        actions: what it calls: the host of a built-in identity provider is that where its users call nothing else.

    Raises:
        UnknownPrincipal: nobody, or several, answer to it.
    """
    text = text.strip()
    if not text:
        raise UnknownPrincipal("No principal is named.", "Give an ARN, user/NAME, role/NAME or a name.")
    if text == "root":
        return _root_user(workspace)
    if text == "anonymous":
        return ANONYMOUS
    if text.startswith("arn:"):
        return _from_arn(workspace.at(text.split(":", 5)[4] if text.count(":") > 4 else None), text)
    if unique_id_kind(text):
        for one in workspace.accounts:
            entity = one.by_id(text)
            if isinstance(entity, (User, Role)):
                return principal_of(one, entity)
    named_so = [principal_of(one, entity) for one in workspace.accounts for entity in _named(one, text)]
    if len(named_so) > 1:
        raise UnknownPrincipal(
            f"{len(named_so)} of the accounts that are open have {safe_text(text)}.",
            f"Give its ARN: {named_so[0].arn} or {named_so[1].arn}.",
        )
    if named_so:
        return named_so[0]
    if text in _BUILT_IN_PROVIDERS and actions:
        named = [principal_from_text(text, action=action) for action in actions]
        if all(principal.kind is PrincipalKind.IDENTITY_PROVIDER for principal in named):
            return named[0]
    if text.endswith((".amazonaws.com", ".amazonaws.com.cn")):
        return Principal(PrincipalKind.SERVICE, text)
    raise _unknown(workspace.accounts, text)


def _root_user(workspace: Workspace) -> Principal:
    account = workspace.account
    arn = f"arn:{account.partition}:iam::{account.id}:root"
    if workspace.beside:
        count = len(workspace.accounts)
        raise UnknownPrincipal(
            f"Each of the {count} accounts that are open has a root user.", f"Give its ARN, such as {arn}."
        )
    return Principal(PrincipalKind.ROOT, arn, account.id)


def coming_with(
    workspace: Workspace, principal: Principal, *, issuer: str | None = None, credentials: str | None = None
) -> Principal:
    """A principal with what its name does not tell.

    Args:
        issuer: names the user behind a federated-user session; None: unknown.
        credentials: "long_term" or "temporary", of a user; None: unknown.

    Raises:
        Problem: the principal is of no kind that it can be said of, or the issuer is not a user of its account.
    """
    if issuer is not None:
        user = resolve_principal(workspace, issuer)
        if principal.kind is not PrincipalKind.FEDERATED_USER or user.kind is not PrincipalKind.USER:
            raise Problem(
                "Only a federated-user session has an issuer, which is a user.",
                "Name the session by its ARN (arn:aws:sts::ACCOUNT:federated-user/NAME), and the user as issuer.",
            )
        if user.account != principal.account:
            raise Problem(
                "A federated-user session belongs to the account of its issuer, and "
                f"{safe_text(user.arn, limit=512)} is not a user of account {principal.account}.",
                f"Name a user of {principal.account} as issuer, or the session by its ARN in the user's account.",
            )
        principal = replace(principal, issuer=user.arn)
    if credentials is not None:
        if principal.kind is not PrincipalKind.USER:
            raise Problem(
                "Only a user can come with either kind of credentials.",
                "Leave that out: a session's are temporary.",
            )
        principal = replace(principal, credentials=credentials)
    return principal


def options_naming(workspace: Workspace, principal: Principal, actions: Sequence[str]) -> Mapping[str, str] | None:
    """Properties that name a caller besides its ARN, for `coming_with`; None where that is somebody else even so.

    Args:
        actions: what it calls.
    """
    told: dict[str, str] = {}
    if principal.issuer is not None:
        told["issuer"] = principal.issuer
    if principal.kind is PrincipalKind.USER and principal.credentials is not None:
        told["credentials"] = principal.credentials
    try:
        named = resolve_principal(workspace, principal.arn or "anonymous", actions)
        coming_with(workspace, named, **told)
    except Problem:
        return None
    return told if (named.kind, named.account) == (principal.kind, principal.account) else None


def _named(account: Account, text: str) -> tuple[User | Role, ...]:
    kind, slash, rest = text.partition("/")
    if slash and kind in ("user", "role"):
        pool: tuple[User | Role, ...] = account.users if kind == "user" else account.roles
        full = "/" + rest
        return tuple(e for e in pool if e.name == rest or f"{e.path}{e.name}" == full)[:1]
    found: tuple[User | Role, ...] = tuple(e for e in (account.user(text), account.role(text)) if e is not None)
    if len(found) > 1:
        raise UnknownPrincipal(
            f"Both a user and a role are named {safe_text(text)}.",
            f"Say user/{safe_text(text)} or role/{safe_text(text)}.",
        )
    return found


def _from_arn(workspace: Workspace, text: str) -> Principal:
    account = workspace.account
    entity = account.by_arn(text)
    if isinstance(entity, (User, Role)):
        return principal_for(workspace, entity)
    try:
        principal = principal_from_text(text)
    except ValueError as error:
        raise UnknownPrincipal(
            f"{safe_text(text)} does not name a principal: {error}.", "Give the ARN of a user, role, session or root."
        ) from None
    if principal.account != account.id:
        return principal
    if principal.kind is PrincipalKind.ROLE_SESSION:
        role = account.role(principal.role_name or "")
        if role is None:
            raise _unknown((account,), f"role/{principal.role_name}")
        return replace(principal_of(account, role), kind=principal.kind, arn=principal.arn)
    if principal.kind in (PrincipalKind.USER, PrincipalKind.ROLE):
        raise _unknown((account,), text)
    return principal


def _unknown(accounts: Sequence[Account], text: str) -> UnknownPrincipal:
    entities = [entity for account in accounts for entity in account.principals]
    # An ARN can differ in its path alone, which a short name would hide.
    in_full = text.startswith("arn:")
    by_name = {
        entity.arn
        if in_full
        else f"{'user' if isinstance(entity, User) else 'role'}/{entity.name}": entity.name.lower()
        for entity in entities
    }
    wanted = text.rsplit("/", 1)[-1].lower()
    close = difflib.get_close_matches(wanted, list(by_name.values()), n=_MOST_SUGGESTIONS, cutoff=0.5)
    nearest = [full for name in dict.fromkeys(close) for full, lowered in by_name.items() if lowered == name]
    nearest += [full for full, lowered in by_name.items() if wanted in lowered and full not in nearest]
    nearest = nearest[: 2 if in_full else _MOST_SUGGESTIONS]
    list_of = "roles" if "role/" in text else "users"
    hint = f"Nearest: {', '.join(safe_text(name) for name in nearest)}." if nearest else f"See `iamtui list {list_of}`."
    whose = "this account" if len(accounts) == 1 else "the accounts that are open"
    where = f"the part of {whose} that was read" if any(one.lacks_principals for one in accounts) else whose
    return UnknownPrincipal(f"No user or role of {where} is {safe_text(text)}.", hint)


def caller_principal(workspace: Workspace) -> Principal | None:
    """The Principal behind the workspace's own caller, or None when unknown."""
    caller = workspace.account.caller_arn.value_or("")
    if not caller.startswith("arn:"):
        return None
    try:
        principal = principal_from_text(caller)
        here = principal.account == workspace.account.id
        if (
            here
            and principal.kind is PrincipalKind.ROLE_SESSION
            and not workspace.account.role(principal.role_name or "")
        ):
            return None
        # Whoever is not there would be looked for among thousands of similar names.
        return None if is_not_listed(workspace, principal) else resolve_principal(workspace, caller)
    except (Problem, ValueError):
        return None


# Which accounts and roles are production, so that a screen can warn before somebody acts in the wrong one.


_WORD: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
"""`deploy-prod2`, `DeployProd` and `deploy_PROD` all have the word "prod"."""

_NOT: Final = ("non", "not", "pre")
"""Words for another environment, before or at the start of a word."""


def is_production(name: str, patterns: str) -> bool:
    """True where a name is one of production.

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
    """True where the role of a session, or its account by id or alias, is one of production.

    Args:
        account: the account that is open, which may have an alias.
    """
    alias = alias_of(session, account) if account is not None else ""
    names = (session.role_arn.rsplit("/", 1)[-1], session.account, alias)
    return any(is_production(name, patterns) for name in names if name)


def _words(name: str) -> Iterator[tuple[str, bool]]:
    before = ""
    for match in _WORD.finditer(name):
        word = match.group().lower()
        yield word, before in _NOT or word.startswith(_NOT)
        before = word


@cache
def _globs(patterns: str) -> tuple[tuple[str, Glob], ...]:
    words = patterns.lower().replace(",", " ").split()
    return tuple((word, Glob(tokens_of(parse_pieces(word, variables=False)))) for word in words)


def why_more(account: Account, pattern: str) -> dict[str, int]:
    """Why there may be users and roles of a pattern that are not here, as reasons of what is not proved."""
    tokens = tokens_of(parse_pieces(pattern, variables=False))
    found = {}
    for kind in ("user", "role"):
        forms = (f"{kind}/*", f"arn:{account.partition}:iam::{account.id or '*'}:{kind}/*")
        matching = (first_common(tokens, tokens_of(parse_pieces(form, variables=False))) for form in forms)
        if account.why_unlisted(f"{kind}s") is not None and any(one is not None for one in matching):
            found[f"not all {kind}s are loaded"] = 1
    return found
