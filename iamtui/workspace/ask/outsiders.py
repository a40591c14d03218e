"""Principals of other accounts that a resource's policy may let in: those it names, and examples of those it describes.

A policy that names an account, or everybody, can still tell principals apart by their ARN. One example stands for all
of whom nothing in particular is said; it has a name that no pattern of the policy names. Each pattern of an Allow, and
each exception to a Deny, gets an example of its own.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Final, NamedTuple

from msgspec import Struct

from iamtui.engine.request import (
    ANONYMOUS,
    NamedPolicy,
    NotEvaluated,
    PolicyInForce,
    Principal,
    PrincipalKind,
    principal_from_text,
)
from iamtui.policy.document import PolicyDocument, PrincipalEntry, Statement
from iamtui.policy.pattern_overlap import first_common
from iamtui.policy.patterns import (
    STARS,
    Glob,
    Token,
    Wild,
    arn_tokens,
    is_account_id,
    parse_arn,
    parse_pieces,
    tokens_of,
    with_variables_as_stars,
)
from iamtui.policy.public_access import is_everybody
from iamtui.policy.values import parse_operator
from iamtui.problem import Problem
from iamtui.questions.evaluator import QuestionEvaluator
from iamtui.workspace.source.principals import resolve_principal
from iamtui.workspace.source.workspace import Workspace

_ARN, _ACCOUNT, _NAME, _TYPE = "aws:principalarn", "aws:principalaccount", "aws:username", "aws:principaltype"
_TEXT_OPERATORS: Final = frozenset(("stringequals", "stringequalsignorecase", "stringlike", "arnlike"))
_LONGEST: Final = 1024
"""Characters of the longest pattern that is looked at; no ARN of a user or role is longer."""
_MOST_PATTERNS: Final = 256
"""Patterns for principals of any account that are looked at: more than a trust policy of AWS's quota can hold."""
_MOST_EXAMPLES: Final = 4096
"""Of all accounts together; where a policy would need more, the accounts behind have none but those in general."""
_NOT_FOR_ROOT: Final = "sts:assumerole"


class Outsider(Struct, frozen=True):
    """Principals outside the account with the same answer, and the one of them to evaluate.

    Args:
        name: an ARN, an account, a service, an identity provider, a pattern of ARNs; "*" for everybody. Raw text.
        general: whether it stands for all of an account, or for everybody.
    """

    principal: Principal
    name: str
    general: bool = False


class _Pattern(NamedTuple):
    """A pattern of ARNs as the policy has it; `account` is the one it names, or "" when it may match in several."""

    text: str
    tokens: tuple[Token, ...]
    account: str

    @property
    def is_exact(self) -> bool:
        return all(isinstance(token, str) for token in self.tokens)


LISTED: Final = (PrincipalKind.USER, PrincipalKind.ROLE, PrincipalKind.ROOT)
"""Who of another account that is open is listed with the users and roles of that account."""


class Outsiders:
    """Principals outside the account that the policy of a resource can let in.

    Args:
        action: what they call.
        policy: can be read.
    """

    def __init__(self, workspace: Workspace, action: str, policy: NamedPolicy) -> None:
        self._workspace = workspace
        self._account = workspace.account
        self._action = action.lower()
        self._policy = policy.document.policy
        self.statements = StatementsByCaller(policy.document)
        digest = hashlib.sha256(policy.document.raw.encode("utf-8", "replace")).hexdigest()
        # Names made of the text itself cannot stand in it, unless by chance or a wildcard.
        self._names = ("any-{}", digest[:16], digest[16:27], digest[27:50])
        self._accounts = ("000000000000", *(f"{int(digest[at : at + 12], 16) % 10**12:012d}" for at in (0, 13, 26, 39)))

    @cached_property
    def entries(self) -> tuple[PrincipalEntry | None, ...]:
        """Principals of the Allow statements; None is everybody but a few (NotPrincipal)."""
        found: dict[PrincipalEntry | None, None] = {}
        for statement in self._policy.statements:
            if statement.effect == "Allow":
                if statement.not_principals is not None:
                    found[None] = None
                found |= dict.fromkeys(statement.principals or ())
        return tuple(found)

    @property
    def everyone(self) -> bool:
        """True where an Allow names everybody."""
        return any(map(is_everybody, self.entries))

    def accounts_named(self) -> Iterator[str]:
        """The other accounts that Allow statements name as a whole, or ask for where they name everybody."""
        named = [_account_named(entry.value) for entry in self.entries if entry is not None]
        if self.everyone:
            named += self._accounts_asked_for
        yield from (one for one in dict.fromkeys(named) if is_account_id(one) and one != self._account.id)

    @property
    def accounts(self) -> frozenset[str] | None:
        """The accounts whose users and roles Allow statements can let in; None: those of any account."""
        found: set[str] = set()
        for entry in self.entries:
            if entry is None or is_everybody(entry):
                return None
            if entry.kind == "AWS":
                arn = parse_arn(entry.value)
                found.add(entry.value if arn is None else arn.account)
        # A unique id can be of any.
        return frozenset(found) if all(map(is_account_id, found)) else None

    def single(self, entry: PrincipalEntry) -> Principal | None:
        """The caller that an entry names; None for whole accounts and for what the engine cannot ask about."""
        value = entry.value
        try:
            if entry.kind == "AWS":
                return self._with_arn(value)
            if entry.kind == "Service":
                return Principal(PrincipalKind.SERVICE, value)
            if entry.kind == "CanonicalUser":
                return Principal(PrincipalKind.CANONICAL_USER, value)
            if entry.kind == "Federated" and self._action.startswith("sts:assumerolewith"):
                return Principal(PrincipalKind.IDENTITY_PROVIDER, value)
        except (Problem, ValueError):
            return None
        return None

    def _with_arn(self, value: str) -> Principal | None:
        arn, account = parse_arn(value), self._account
        if arn is None or _account_named(value):
            return None
        of_here = arn.account == account.id and arn.resource_type in ("user", "role", "assumed-role")
        if of_here and account.by_arn(value) is None and account.role(arn.resource.split("/")[1]) is None:
            return None
        return resolve_principal(self._workspace, value)

    def asked_about(self, entry: PrincipalEntry | None) -> Principal | None:
        """The caller that represents an entry; None for the own account, whose principals are evaluated one by one."""
        if entry is None or is_everybody(entry):
            return ANONYMOUS
        account = _account_named(entry.value) if entry.kind == "AWS" else ""
        if account:
            return self.of_account(account) if account != self._account.id else None
        return self.single(entry)

    def of_account(self, account: str) -> Principal:
        """The principal that represents an account: its root user, or a role where the root user may not call."""
        if self._action == _NOT_FOR_ROOT:
            return self._any("role", account)
        return principal_from_text(f"arn:{self._account.partition}:iam::{account}:root")

    def asked_for(self) -> Iterator[Principal]:
        """Accounts and principals that conditions ask for, of those that are let in as a whole."""
        accounts = frozenset(self.accounts_named())
        yield from (self.of_account(one) for one in self._accounts_asked_for if one in accounts)
        for pattern in self._patterns:
            if pattern.is_exact and pattern.account != self._account.id:
                made = self._example(pattern, pattern.account)
                if made is not None and (self.everyone or pattern.account in accounts):
                    yield made

    def groups(self) -> Iterator[tuple[Outsider, ...]]:
        """All who may be let in: of each account, and of everybody, first their representatives."""
        for entry in self.entries:
            if entry is not None and (made := self.single(entry)) is not None:
                yield (Outsider(made, made.arn),)
        left = _MOST_EXAMPLES
        for account in self.accounts_named():
            here = (*self._by_account.get(account, ()), *self._anywhere(account, left))
            left -= len(here)
            yield (*self._in_general(account, account), *self._described(here, account))
        if self.everyone:
            by_account = (pattern for patterns in self._by_account.values() for pattern in patterns)
            elsewhere = (*by_account, *self._of_any_account)
            yield (*self._in_general(self.stranger, "*"), *self._of_accounts(), *self._described(elsewhere, ""))

    def providers(self) -> Iterator[tuple[Outsider, ...]]:
        """The identity providers that may be let in, which call for those whom they know: as groups, of one each."""
        for entry in filter(None, self.entries):
            federated = entry.kind == "Federated"
            made = Principal(PrincipalKind.IDENTITY_PROVIDER, entry.value) if federated else self.single(entry)
            if made is not None and made.kind is PrincipalKind.IDENTITY_PROVIDER:
                yield (Outsider(made, made.arn),)

    @cached_property
    def stranger(self) -> str:
        """The account of everybody's representatives: one that no pattern of the policy names."""
        named = {entry.account for entry in self._all_patterns} | set(map(_account_named, self._entry_values))
        wild = [Glob(field) for pattern in self._wild if (field := _field(pattern.tokens, 4)) is not None]
        asked = self._accounts_in_conditions(deciding=False)
        wild += [Glob(_tokens(text)) for text in asked if not is_account_id(text)]
        named |= {*asked, self._account.id}
        return min(
            self._accounts,
            key=lambda account: (account in named) + sum(glob.matches(account) for glob in wild),
        )

    def _in_general(self, account: str, name: str) -> Iterator[Outsider]:
        yield Outsider(self._any("role", account), name, general=True)
        if self._tells_users_apart:
            arn = f"arn:{self._account.partition}:iam::{'*' if name == '*' else account}:user/*"
            yield Outsider(self._any("user", account), arn, general=True)

    def _of_accounts(self) -> Iterator[Outsider]:
        """One of each kind of account that conditions describe by a pattern of its id."""
        for text in self._accounts_asked_for:
            if not is_account_id(text):
                account = _filled_account(_tokens(text))
                if is_account_id(account) and account != self._account.id:
                    yield Outsider(self._any("role", account), text)

    def _described(self, patterns: tuple[_Pattern, ...], account: str) -> Iterator[Outsider]:
        """An example of each pattern.

        Args:
            account: of whom they have to be; "": of any account but the own.
        """
        seen: set[str] = set()
        for pattern in patterns:
            made = self._example(pattern, account or pattern.account or self.stranger)
            if made is None and not account and not pattern.account:
                made = self._example(pattern, "*")
            if made is not None and made.account != self._account.id and made.arn not in seen:
                seen.add(made.arn)
                yield Outsider(made, _of_account(pattern.text, account) if account else pattern.text)

    def _any(self, kind: str, account: str) -> Principal:
        return principal_from_text(f"arn:{self._account.partition}:iam::{account}:{kind}/{self._free_names[kind]}")

    @cached_property
    def _free_names(self) -> Mapping[str, str]:
        """For users and roles a name that as few patterns as possible name."""
        exact = {pattern.text.rsplit("/", 1)[-1] for pattern in self._all_patterns if pattern.is_exact}
        exact |= {value.rsplit("/", 1)[-1] for value in self._entry_values}
        wild = [(Glob(pattern.tokens), Glob(_field(pattern.tokens, 5) or ())) for pattern in self._wild]
        found = {}
        for kind in ("role", "user"):

            def hits(name: str, kind: str = kind) -> int:
                text = f"{kind}/{name}"
                whole = f"arn:{self._account.partition}:iam::{self._accounts[1]}:{text}"
                return (name in exact) + sum(one.matches(whole) or end.matches(text) for one, end in wild)

            found[kind] = min((name.format(kind) for name in self._names), key=hits)
        return found

    def _example(self, pattern: _Pattern, account: str) -> Principal | None:
        """A role or user of an account that a pattern matches, with as few others as possible; None: there is none.

        Args:
            account: "*": of any.
        """
        for kind in ("role", "user"):
            base = f"arn:{self._account.partition}:iam::{account}:{kind}/*"
            # No name of a user or role has a colon.
            confined = tuple(Wild.FIELD_STAR if token is Wild.STAR else token for token in _tokens(base))
            common = first_common(pattern.tokens, confined)
            if common is None:
                continue
            words = (name.format(kind) for name in self._names)
            made = (_filled(common, word) for word in (words if not pattern.is_exact else ("",)))
            try:
                return principal_from_text(min(made, key=self._others_matching))
            except ValueError:
                continue
        return None

    def _others_matching(self, arn: str) -> int:
        return sum(glob.matches(arn) for glob in self._wild_globs) + (arn in self._exact_texts)

    @cached_property
    def _wild_globs(self) -> tuple[Glob, ...]:
        return tuple(Glob(pattern.tokens) for pattern in self._wild)

    @cached_property
    def _exact_texts(self) -> frozenset[str]:
        return frozenset(pattern.text for pattern in self._all_patterns if pattern.is_exact)

    @cached_property
    def _wild(self) -> tuple[_Pattern, ...]:
        return tuple(pattern for pattern in self._all_patterns if not pattern.is_exact)[:_MOST_PATTERNS]

    @cached_property
    def _entry_values(self) -> frozenset[str]:
        return frozenset(
            entry.value
            for statement in self._policy.statements
            for entry in (*(statement.principals or ()), *(statement.not_principals or ()))
        )

    @cached_property
    def _tells_users_apart(self) -> bool:
        keys = {line.key.lower() for statement in self._policy.statements for line in statement.conditions}
        return not keys.isdisjoint((_ARN, _NAME, _TYPE))

    @cached_property
    def _all_patterns(self) -> tuple[_Pattern, ...]:
        """Every pattern that a condition holds against the ARN or name of the caller."""
        return tuple(self._read(deciding=False))

    @cached_property
    def _patterns(self) -> tuple[_Pattern, ...]:
        """Those that a caller has to match, so that an Allow lets it in or a Deny spares it."""
        return tuple(self._read(deciding=True))

    @cached_property
    def _by_account(self) -> Mapping[str, tuple[_Pattern, ...]]:
        found: dict[str, list[_Pattern]] = {}
        for pattern in self._patterns:
            if pattern.account:
                found.setdefault(pattern.account, []).append(pattern)
        return {account: tuple(patterns) for account, patterns in found.items()}

    @cached_property
    def _of_any_account(self) -> tuple[_Pattern, ...]:
        """The patterns for principals of any account in statements that name everybody."""
        return tuple(self._loose(self.statements.anybody))[:_MOST_PATTERNS]

    def _anywhere(self, account: str, most: int) -> tuple[_Pattern, ...]:
        """The same and those in statements that name an account."""
        found = (*self._loose(self.statements.naming(account)), *self._of_any_account)
        return found[: max(0, min(most, _MOST_PATTERNS))]

    def _loose(self, places: Iterable[int]) -> Iterator[_Pattern]:
        for place in places:
            statement = self._policy.statements[place]
            yield from (one for one in self._of_statement(statement, deciding=True) if not one.account)

    @cached_property
    def _accounts_asked_for(self) -> tuple[str, ...]:
        """Accounts that conditions ask for, and those that a Deny leaves out as NotPrincipal."""
        spared = (entry for statement in self._policy.statements for entry in statement.not_principals or ())
        named = [_account_named(entry.value) for entry in spared if entry.kind == "AWS"]
        return tuple(dict.fromkeys((*self._accounts_in_conditions(deciding=True), *filter(None, named))))

    def _accounts_in_conditions(self, *, deciding: bool) -> tuple[str, ...]:
        values = (
            value
            for statement in self._policy.statements
            for key, _, value in _asked_of_caller(statement, deciding=deciding)
            if key == _ACCOUNT
        )
        return tuple(dict.fromkeys(values))

    def _read(self, *, deciding: bool) -> Iterator[_Pattern]:
        found = (one for each in self._policy.statements for one in self._of_statement(each, deciding=deciding))
        return iter(dict.fromkeys(found))

    def _of_statement(self, statement: Statement, *, deciding: bool) -> Iterator[_Pattern]:
        for key, is_arn, value in _asked_of_caller(statement, deciding=deciding):
            if key == _NAME:
                yield self._pattern(f"arn:{self._account.partition}:iam::*:user/{value}", is_arn=False)
            elif key == _ARN and len(value) <= _LONGEST:
                yield self._pattern(value, is_arn=is_arn)
        # A Deny with NotPrincipal spares whom it names.
        if statement.effect == "Deny" or not deciding:
            for entry in statement.not_principals or ():
                if entry.kind == "AWS":
                    yield self._pattern(entry.value, is_arn=False)

    def _pattern(self, text: str, *, is_arn: bool) -> _Pattern:
        pieces = parse_pieces(text, variables=self._policy.substitutes_variables)
        tokens = tokens_of(with_variables_as_stars(pieces))
        return _Pattern(text, arn_tokens(tokens) if is_arn else tokens, literal_account(text))


def policy_of_resource(evaluator: QuestionEvaluator) -> PolicyInForce | NotEvaluated | None:
    """The policy of the resource that a question is about; None when it has none."""
    return evaluator.request_and_policies(ANONYMOUS)[1].resource


class StatementsByCaller:
    """A policy's statements by whom they can be about, so that each caller is tested against few of them.

    What cannot be about a caller has no part in its answer, so that the answer by what is left is the same.
    """

    def __init__(self, document: PolicyDocument) -> None:
        self._document = document
        self.anybody: list[int] = []
        """Indexes of statements that can be about anybody."""
        self._named: dict[str, list[int]] = {}
        for place, statement in enumerate(document.policy.statements):
            names = _callers_named(statement)
            if names is None:
                self.anybody.append(place)
            for name in names or ():
                self._named.setdefault(name, []).append(place)

    def naming(self, name: str) -> Sequence[int]:
        """Indexes of statements that name an account or an account-less principal."""
        return self._named.get(name, ())

    def about(self, principal: Principal) -> PolicyDocument:
        """The document without the statements that cannot be about a caller from outside the account."""
        names = {principal.arn, principal.account, principal.unique_id} - {None}
        named = {place for name in names for place in self.naming(name or "")}
        return self._document.part(sorted(named.union(self.anybody)))


def _callers_named(statement: Statement) -> frozenset[str] | None:
    """Accounts, services, providers and ids that a statement can be about; None: anybody."""
    if statement.not_principals is None and not any(map(is_everybody, statement.principals or ())):
        return frozenset(map(_caller_named, statement.principals or ()))
    for line in statement.conditions:
        operator = parse_operator(line.operator)
        key = line.key.lower()
        if operator is None or operator.negated or operator.if_exists or operator.over is not None:
            continue
        if operator.base not in _TEXT_OPERATORS or key not in (_ARN, _ACCOUNT) or not line.values:
            continue
        accounts = {literal_account(value) if key == _ARN else value for value in line.values}
        if all(map(is_account_id, accounts)):
            return frozenset(accounts)
    return None


def _caller_named(entry: PrincipalEntry) -> str:
    arn = parse_arn(entry.value) if entry.kind == "AWS" else None
    return entry.value if arn is None else arn.account


def literal_account(text: str) -> str:
    """The account that a pattern of ARNs names, or "" where it may match in several."""
    *before, account, _ = fields if len(fields := text.split(":", 5)) == 6 else ("*", "", "")
    return account if is_account_id(account) and not any(set(field) & set("*?$") for field in before) else ""


def _account_named(value: str) -> str:
    if is_account_id(value):
        return value
    arn = parse_arn(value)
    return arn.account if arn is not None and arn.service == "iam" and arn.resource == "root" else ""


def _asked_of_caller(statement: Statement, *, deciding: bool) -> Iterator[tuple[str, bool, str]]:
    """The key, whether it is compared as ARN, and each text that a statement's conditions hold against a caller.

    Args:
        deciding: only those that let a caller in who matches: of an Allow, or excepted from a Deny.
    """
    for line in statement.conditions:
        operator = parse_operator(line.operator)
        key = line.key.lower()
        if operator is None or operator.base not in _TEXT_OPERATORS or key not in (_ARN, _ACCOUNT, _NAME):
            continue
        if deciding and operator.negated is not (statement.effect == "Deny"):
            continue
        for value in line.values:
            # Without wildcards in the operator, no caller has one in its name.
            if operator.base in ("stringlike", "arnlike") or not set(value) & set("*?"):
                yield key, operator.base == "arnlike", value


def _of_account(pattern: str, account: str) -> str:
    """A pattern of ARNs with the account of those who are meant in the place of a star."""
    fields = pattern.split(":", 5)
    return ":".join((*fields[:4], account, fields[5])) if len(fields) == 6 and fields[4] == "*" else pattern


def _tokens(text: str) -> tuple[Token, ...]:
    return tokens_of(with_variables_as_stars(parse_pieces(text, variables=False)))


def _field(tokens: tuple[Token, ...], number: int) -> tuple[Token, ...] | None:
    """One of the six fields of a pattern, or None when it has fewer."""
    colons = [place for place, token in enumerate(tokens) if token == ":"]
    if len(colons) < 5:
        return None
    return tokens[colons[number - 1] + 1 : colons[number] if number < 5 else len(tokens)]


def _filled(tokens: tuple[Token, ...], word: str) -> str:
    """An ARN that a pattern of all six fields matches."""
    fields = [_field(tokens, number) or () for number in range(1, 6)]
    account = _filled_account(fields[3])
    head = tokens[: [place for place, token in enumerate(tokens) if token == ":"][3] + 1]
    made = "".join(_spelled(token, "") for token in head)
    return made + account + ":" + "".join(_spelled(token, word) for token in fields[4])


def _filled_account(tokens: tuple[Token, ...]) -> str:
    """An account that a pattern matches: of twelve digits, if there is one."""
    missing = max(0, 12 - sum(token not in STARS for token in tokens))
    made = ""
    for token in tokens:
        if token in STARS:
            made += "1" * missing
            missing = 0
        else:
            made += token if isinstance(token, str) else "1"
    return made


def _spelled(token: Token, word: str) -> str:
    if isinstance(token, str):
        return token
    return word if token in STARS else word[:1] or "x"
