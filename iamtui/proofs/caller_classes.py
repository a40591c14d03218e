"""Classes of callers from outside an account that policies answer alike, one of each.

Whom a policy names and what it asks of the caller (`aws:PrincipalArn`, `aws:PrincipalAccount`, `aws:username`) become
patterns of caller ARNs. Of every combination of these that some ARN of another account matches one is asked about.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Final, NamedTuple

from msgspec import structs

from iamtui.engine.request import (
    ANONYMOUS,
    Principal,
    PrincipalKind,
)
from iamtui.policy.document import ConditionLine, Policy, PrincipalEntry, Statement
from iamtui.policy.patterns import (
    Glob,
    Token,
    Variable,
    Wild,
    arn_tokens,
    is_account_id,
    parse_arn,
    parse_pieces,
    tokens_of,
)
from iamtui.policy.values import parse_operator
from iamtui.proofs.texts import ANY_OTHER, Bounds, GroupKind, PatternGroup, representative_strings
from iamtui.text import safe_text

_ARN, _USERNAME, _TYPE = "aws:principalarn", "aws:username", "aws:principaltype"
_ACCOUNTS: Final = ("aws:principalaccount", "kms:calleraccount")
_OF_CALLER: Final = (_ARN, _USERNAME, *_ACCOUNTS)
_KINDS: Final = (
    (PrincipalKind.ROLE, "iam", "role/"),
    (PrincipalKind.USER, "iam", "user/"),
    (PrincipalKind.ROOT, "iam", "root"),
    (PrincipalKind.FEDERATED_USER, "sts", "federated-user/"),
)
_SERVICE_LINKED: Final = "role/aws-service-role/"
_DIGITS: Final = ("4", "7", "9", "1", "2", "3", "5", "6", "8", "0")
_LETTERS: Final = "xqzjk"
_SESSION: Final = "session"


class CallerClass(NamedTuple):
    """One of many callers who are answered alike.

    Args:
        is_of_named_account: whether the policy names its account.
    """

    principal: Principal
    is_of_named_account: bool = False


@dataclass(frozen=True)
class Inside:
    """Who is not outside.

    Args:
        accounts: of which nobody counts.
        names: ARNs, patterns of ARNs, canonical ids and hosts of providers that do not count.
    """

    accounts: frozenset[str]
    names: frozenset[str] = frozenset()


def whose_canonical_user(id_: str) -> str:
    """The doubt that a canonical user is one of the callers whose ARNs are compared."""
    return f"whose the canonical user {safe_text(id_, limit=100)} is"


def canonical_users_that_matter(*compared: Iterable[Policy]) -> Iterator[str]:
    """Canonical users for whom a comparison by the ARNs of callers says too little, as they may be any of these.

    What is said of one in the same words on each side lets the same callers in, or keeps the same out; only whom
    NotPrincipal spares hangs on what else is said of them.
    """
    said = [
        {structs.replace(one, index=0, sid=None) for policy in side for one in policy.statements if _canonical_in(one)}
        for side in compared
    ]
    for one in dict.fromkeys(chain(*said)):
        if one.not_principals is not None or not all(one in each for each in said):
            yield from _canonical_in(one)


def _canonical_in(one: Statement) -> list[str]:
    entries = (*(one.principals or ()), *(one.not_principals or ()))
    return [entry.value for entry in entries if entry.kind == "CanonicalUser"]


class OutsideCallers:
    """The classes of callers from outside, as some policies tell them apart.

    Args:
        policies: that may speak of callers.
        own_ids: unique ids of users and roles of the account.
        with_service_linked: whether service-linked roles, which AWS services use alone, are among them.
        owners: accounts of resources, which are told apart from others.
    """

    def __init__(
        self,
        policies: Sequence[Policy],
        partition: str,
        inside: Inside,
        own_ids: frozenset[str],
        bounds: Bounds,
        *,
        with_service_linked: bool = False,
        owners: Iterable[str] = (),
    ) -> None:
        self._statements = [(policy, one) for policy in policies for one in policy.statements]
        self._partition = partition
        self._inside = inside
        self._own_ids = own_ids
        self._bounds = bounds
        self._with_service_linked = with_service_linked
        self._entries = list(
            dict.fromkeys(
                entry
                for _, one in self._statements
                for entry in (*(one.principals or ()), *(one.not_principals or ()))
                # With a wildcard in its ARN an entry names nobody, whatever such a name might be compared with.
                if not set(entry.value) & set("*?")
            )
        )
        named = (account_in(entry.value) for entry in self._entries)
        self._named_accounts = frozenset(filter(None, (*named, *owners)))
        self._tells, self._unsure = self._patterns()

    def doubts(self) -> Iterator[str]:
        """Parts of the policies that the classes do not represent."""
        yield from self._unsure
        for policy, one in self._statements:
            # Whom a Deny names, or an Allow does not, can only be let in less.
            lets_in = one.principals if one.effect == "Allow" else one.not_principals
            for entry in lets_in or ():
                if _is_unique_id(entry) and entry.value not in self._own_ids | self._inside.names:
                    yield f"whether {safe_text(entry.value, limit=100)} is somebody of another account"
                elif entry.kind == "CanonicalUser" and entry.value not in self._inside.names:
                    # Its requests carry an ARN and an account, which other statements may speak of.
                    yield whose_canonical_user(entry.value)
            if policy.substitutes_variables and not self.is_about_inside(one):
                yield from self._variables(one)

    def is_about_inside(self, one: Statement) -> bool:
        """True where a statement names nobody from outside."""
        return one.not_principals is None and all(
            entry.kind == "Service"
            or (entry.kind == "AWS" and account_in(entry.value) in self._inside.accounts)
            or entry.value in self._own_ids
            for entry in one.principals or ()
        )

    def _variables(self, one: Statement) -> Iterator[str]:
        texts = [
            *(one.resources or ()),
            *(one.not_resources or ()),
            *(v for line in one.conditions for v in line.values),
        ]
        for text in texts:
            for piece in parse_pieces(text, variables=True):
                if isinstance(piece, Variable) and piece.key in (*_OF_CALLER, _TYPE):
                    yield f"a variable that is another text for each caller: ${{{safe_text(piece.name, limit=100)}}}"

    def classes(self) -> Iterator[CallerClass]:
        """One caller of each class, those first who say least.

        Raises:
            Unproved: there are too many classes, or it takes too long.
        """
        yield CallerClass(ANONYMOUS)
        for kind, service, begins in _KINDS:
            for arn in self._arns(service, begins):
                account = arn.split(":")[4]
                is_named = account in self._named_accounts
                yield from (CallerClass(one, is_named) for one in self._callers(kind, arn, account))
        spared = [Glob(_tokens(name)) for name in self._inside.names]
        for entry in self._entries:
            if any(glob.matches(entry.value) for glob in spared):
                continue
            if entry.kind == "Federated":
                yield CallerClass(Principal(PrincipalKind.IDENTITY_PROVIDER, entry.value))
            elif entry.kind == "CanonicalUser":
                yield CallerClass(Principal(PrincipalKind.CANONICAL_USER, entry.value))

    def named_in(self, letting_in: Sequence[Statement]) -> Iterator[CallerClass]:
        """One caller of each class that one of some Allow statements may be about, by its Principal alone."""
        if not all(map(self.is_about_inside, letting_in)):
            yield from (one for one in self.classes() if any(_may_name(each, one.principal) for each in letting_in))

    def _callers(self, kind: PrincipalKind, arn: str, account: str) -> Iterator[Principal]:
        if kind is PrincipalKind.ROLE:
            name = arn.rsplit("/", 1)[-1]
            prefix = f"arn:{self._partition}:sts::{account}:assumed-role/{name}/"
            named = [entry.value for entry in self._entries if entry.kind == "AWS" and entry.value.startswith(prefix)]
            other = next(one for n in range(len(named) + 1) if (one := f"{prefix}{_SESSION}{n or ''}") not in named)
            # By its name no role is a service-linked one.
            is_linked = f":{_SERVICE_LINKED}" in arn
            for session in () if is_linked and not self._with_service_linked else (other, *named):
                yield Principal(
                    PrincipalKind.ROLE_SESSION,
                    session,
                    account,
                    role_arn=arn,
                    credentials="temporary",
                    not_service_linked=not is_linked,
                )
        elif kind is PrincipalKind.FEDERATED_USER:
            users = f"arn:{self._partition}:iam::{account}:user/"
            issuers = [entry.value for entry in self._entries if entry.kind == "AWS" and entry.value.startswith(users)]
            for issuer in (None, *issuers):
                yield Principal(kind, arn, account, issuer=issuer, credentials="temporary")
        else:
            yield Principal(kind, arn, account)

    def _arns(self, service: str, begins: str) -> Iterator[str]:
        """ARNs of one kind of caller, one of each class."""
        before: tuple[Token, ...] = (*f"arn:{self._partition}:{service}::",)
        head = (*before, *(Wild.FIELD_ONE,) * 12, ":", *begins)
        form = head if begins == "root" else (*head, Wild.FIELD_STAR, Wild.NAME_ONE)
        never = [_of_account(account) for account in self._inside.accounts]
        never += [_tokens(name) for name in self._inside.names if name.startswith("arn:")]
        # An account has digits alone, where a star of a pattern would find its text in one.
        running = (
            tokens for each in self._tells for tokens in each if not {Wild.ONE, Wild.STAR}.isdisjoint(tokens[:-1])
        )
        letters = {one for tokens in running for one in tokens if isinstance(one, str) and one not in ":0123456789"}
        never += [(*before, Wild.FIELD_STAR, one, Wild.FIELD_STAR, ":", Wild.STAR) for one in sorted(letters)]
        groups = [PatternGroup(GroupKind.MUST, (form,)), PatternGroup(GroupKind.NEVER, tuple(never))]
        groups += [PatternGroup(GroupKind.TELLS, patterns) for patterns in self._tells]
        globs = [[Glob(tokens) for tokens in group.patterns] for group in groups]
        for text, matched in representative_strings(groups, self._bounds):
            spelled = _spelled(text, globs, matched)
            if spelled is None:
                self._unsure.append(f"callers such as {safe_text(text.replace(ANY_OTHER, '?'), limit=200)}")
            else:
                yield spelled

    def _patterns(self) -> tuple[list[tuple[tuple[Token, ...], ...]], list[str]]:
        """The patterns of ARNs that tell callers apart, and what is not one."""
        found: dict[tuple[tuple[Token, ...], ...], None] = dict.fromkeys(
            (
                *((_of_account(account),) for account in self._named_accounts),
                *((_tokens(one),) for one in _SERVICE_LINKED),
            )
        )
        unsure: list[str] = []
        for entry in self._entries:
            arn = parse_arn(entry.value) if entry.kind == "AWS" else None
            if arn is None or arn.resource == "root":
                continue
            parts = arn.resource.split("/")
            if parts[0] == "assumed-role" and len(parts) > 1:
                role = f"arn:{arn.partition}:iam::{arn.account}:role/"
                found[(*role, *parts[1]), (*role, Wild.STAR, "/", *parts[1])] = None
            else:
                found[tuple(entry.value),] = None
        for policy, one in self._statements:
            for line in one.conditions:
                if line.key.lower() in _OF_CALLER:
                    patterns = _patterns_of(line, variables=policy.substitutes_variables)
                    if isinstance(patterns, str):
                        unsure.append(patterns)
                    else:
                        found.update(dict.fromkeys(patterns))
        # No name of a user or role has a star or question mark, which some write where they are no wildcards.
        possible = [patterns for patterns in found if not any("*" in tokens or "?" in tokens for tokens in patterns)]
        return possible, list(dict.fromkeys(unsure))


def _patterns_of(line: ConditionLine, *, variables: bool) -> list[tuple[tuple[Token, ...], ...]] | str:
    """The patterns of ARNs that each value of a condition about the caller holds for, or why there are none."""
    operator, key = parse_operator(line.operator), line.key.lower()
    if operator is not None and operator.base == "null":
        return []
    shown = f"{safe_text(line.operator, limit=100)} {safe_text(line.key, limit=100)}"
    if operator is None or operator.base not in ("stringequals", "stringlike", "arnlike", "stringequalsignorecase"):
        return f"a condition that does not compare texts: {shown}"
    if operator.base == "stringequalsignorecase" and key not in _ACCOUNTS:
        return f"a condition without regard to letter case: {shown}"
    found = []
    for value in line.values:
        if variables and any(isinstance(piece, Variable) for piece in parse_pieces(value, variables=True)):
            return f"a condition with a variable: {shown}"
        wildcards = operator.base in ("stringlike", "arnlike")
        tokens = tokens_of(parse_pieces(value, variables=variables, wildcards=wildcards))
        if operator.base == "arnlike" and tokens != (Wild.STAR,):
            tokens = arn_tokens(tokens, trailing_star_crosses=False)
        found.append(_as_arns(key, tokens))
    return found


def _as_arns(key: str, tokens: tuple[Token, ...]) -> tuple[tuple[Token, ...], ...]:
    """The patterns of caller ARNs for a pattern of values of a key."""
    if key == _ARN:
        return (tokens,)
    if key == _USERNAME:
        within = tuple(_NO_SEPARATOR.get(token, token) if isinstance(token, Wild) else token for token in tokens)
        head: tuple[Token, ...] = (*"arn:", Wild.FIELD_STAR, *":iam::", Wild.FIELD_STAR, *":user/")
        return ((*head, *within), (*head, Wild.STAR, "/", *within))
    within = tuple(_IN_FIELD.get(token, token) if isinstance(token, Wild) else token for token in tokens)
    return ((*"arn:", *(Wild.FIELD_STAR, ":") * 3, *within, ":", Wild.STAR),)


_IN_FIELD: Final = {Wild.ONE: Wild.FIELD_ONE, Wild.STAR: Wild.FIELD_STAR}
_NO_SEPARATOR: Final = {Wild.ONE: Wild.NAME_ONE, Wild.STAR: Wild.NAME_STAR}


def _of_account(account: str) -> tuple[Token, ...]:
    return (*"arn:", *(Wild.FIELD_STAR, ":") * 3, *account, ":", Wild.STAR)


def _tokens(pattern: str) -> tuple[Token, ...]:
    return tokens_of(parse_pieces(pattern, variables=False))


def _may_name(statement: Statement, principal: Principal) -> bool:
    if statement.not_principals is not None or principal.kind is PrincipalKind.CANONICAL_USER:
        return True
    for entry in statement.principals or ():
        if entry.kind == "Federated":
            may = principal.kind is PrincipalKind.IDENTITY_PROVIDER
        else:
            # A unique id can be of any account.
            may = entry.kind != "Service" and (account_in(entry.value) or principal.account) == principal.account
        if may:
            return True
    return False


def account_in(value: str) -> str:
    """The account that a Principal entry names, or whose user or role it does; "" where there is none."""
    arn = parse_arn(value)
    account = value if arn is None else arn.account
    return account if is_account_id(account) else ""


def _is_unique_id(entry: PrincipalEntry) -> bool:
    is_id = entry.value != "*" and parse_arn(entry.value) is None and not is_account_id(entry.value)
    return entry.kind == "AWS" and is_id


def _spelled(text: str, globs: Sequence[Sequence[Glob]], matched: tuple[bool, ...]) -> str | None:
    """The ARN with digits in its account and letters in its name, that the same patterns match; None: there is none."""
    fields = text.split(":", 5)
    for digit in _DIGITS if ANY_OTHER in fields[4] else ("",):
        account = fields[4].replace(ANY_OTHER, digit)
        if not is_account_id(account):
            return None
        for letter in _LETTERS if ANY_OTHER in fields[5] else ("",):
            spelled = ":".join((*fields[:4], account, fields[5].replace(ANY_OTHER, letter)))
            if all(
                any(glob.matches(spelled) for glob in each) is one for each, one in zip(globs, matched, strict=True)
            ):
                return spelled
    return None
