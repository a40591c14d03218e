"""Keys that the policies of accounts read, and statements that AWS would refuse."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Final, NamedTuple

from iamtui.account.model import Account
from iamtui.engine.request import NamedPolicy, NotEvaluated, Principal
from iamtui.policy.conditions import CompiledCondition
from iamtui.policy.context import CommonContext, RequestContext
from iamtui.policy.document import ConditionLine, PolicyDocument, Statement, fault_of, may_mean
from iamtui.policy.statement import ActionElement, action_name
from iamtui.policy.types import DEFAULT_LANGUAGE_OPTIONS
from iamtui.policy.values import parse_date
from iamtui.questions.known_context import ONLY_FORWARDED
from iamtui.questions.policies_in_force import principal_policies
from iamtui.text import safe_text
from iamtui.workspace.source.inventory import documents_in

OF_THE_MOMENT: Final = frozenset(("aws:currenttime", "aws:epochtime"))
"""Keys of the time of a request."""

_FORWARDED: Final = frozenset(map(str.lower, ONLY_FORWARDED))

_VARIABLE: Final = re.compile(r"\$\{([^},]+)")
_MOST_MOMENTS: Final = 96
_FIRST_SECOND, _LAST_SECOND = 100_000, 99_999_999_999
"""Between these a number of seconds is read neither as a year nor as milliseconds."""


class PolicyReads:
    """Keys that the policies in force of accounts read, in conditions and in variables.

    Attributes:
        keys: condition keys, in lower case.
        sessions: whether some tell sessions of one role apart.
    """

    def __init__(self, accounts: Iterable[Account]) -> None:
        self._statements: dict[tuple[tuple[str, ...], bool, frozenset[str]], ActionElement] = {}
        self._about: dict[str, frozenset[str]] = {}
        self._moments: set[Decimal] = set()
        self.sessions = False
        for account in accounts:
            for document in _all_documents(account):
                self.sessions = self.sessions or ":assumed-role/" in document.raw
                for statement in document.policy.statements if document.error is None else ():
                    self._add(statement)
        self.keys = frozenset().union(*(keys for _, _, keys in self._statements))
        self.sessions = self.sessions or not self.keys.isdisjoint(("aws:userid", "sts:rolesessionname"))

    def _add(self, statement: Statement) -> None:
        keys = {line.key.lower() for line in statement.conditions}
        dates = (v for line in statement.conditions if line.key.lower() in OF_THE_MOMENT for v in line.values)
        self._moments.update(date for value in dates if (date := parse_date(value)) is not None)
        keys.update(variables_in(statement))
        if not keys.isdisjoint(_FORWARDED):
            # Where that is not told, they are taken to be absent.
            keys.add("aws:viaawsservice")
        if keys:
            negated = statement.not_actions is not None
            entries = tuple((statement.not_actions if negated else statement.actions) or ())
            self._statements[entries, negated, frozenset(keys)] = ActionElement(entries, negated=negated)

    def moments_between(self, first: str, last: str) -> tuple[str, ...] | None:
        """Times after first and before last that speak for all there; None: there is no time, or there are too many."""
        begin, end = parse_date(first), parse_date(last)
        if begin is None or end is None or not all(_FIRST_SECOND <= one <= _LAST_SECOND for one in (begin, end)):
            return None
        near = {int(one) + more for one in self._moments if begin <= one <= end for more in (-1, 0, 1)}
        found = [str(one) for one in sorted(near) if begin < one < end]
        return tuple(found) if len(found) <= _MOST_MOMENTS else None

    def about(self, action: str) -> frozenset[str]:
        """The keys that statements about an action read: no other can matter to it."""
        found = self._about.get(action)
        if found is None:
            name = action_name(action)
            reading = (keys for (*_, keys), element in self._statements.items() if element.matches(name))
            found = self._about[action] = frozenset().union(*reading)
        return found


def variables_in(statement: Statement) -> Iterator[str]:
    """Keys, in lower case, of a statement's variables."""
    texts = [*_resources_in(statement), *(value for line in statement.conditions for value in line.values)]
    return (key.strip().lower() for text in texts for key in _VARIABLE.findall(text))


def _resources_in(statement: Statement) -> tuple[str, ...]:
    return (*(statement.resources or ()), *(statement.not_resources or ()))


def _all_documents(account: Account) -> Iterator[PolicyDocument]:
    yield from (document for _, _, document in documents_in(account))
    yield from (role.trust for role in account.roles)


# Values that policies do not tell apart.

_OF_THE_NETWORK: Final = frozenset(("aws:sourceip", "aws:useragent", "aws:vpcsourceip"))
"""Keys that have many values in a trail, and of which nothing but conditions and variables reads more than whether a
request has them."""

_MOST_LINES: Final = 256
_MOST_VALUES: Final = 4_096


class ValueClasses:
    """Values of a condition key that all policies in force of some accounts answer alike, each by the first one met.

    A key of which a variable stands somewhere has every value for itself, as it has where a condition on it has one.
    """

    def __init__(self, accounts: Iterable[Account]) -> None:
        lines: dict[str, dict[ConditionLine, None]] = {key: {} for key in _OF_THE_NETWORK}
        for account in accounts:
            for document in _all_documents(account):
                for statement in document.policy.statements if document.error is None else ():
                    for line in statement.conditions:
                        if line.key.lower() in lines:
                            lines[line.key.lower()][line] = None
                    for key in variables_in(statement):
                        lines.pop(key, None)
        self._conditions = {
            key: [CompiledCondition(line, variables=True, options=DEFAULT_LANGUAGE_OPTIONS) for line in found]
            for key, found in lines.items()
            if len(found) <= _MOST_LINES and not any("${" in value for line in found for value in line.values)
        }
        self._known: dict[tuple[str, tuple[str, ...]], tuple[str, ...]] = {}
        self._first: dict[tuple[str, tuple[object, ...]], tuple[str, ...]] = {}

    def alike(self, context: Mapping[str, tuple[str, ...]]) -> Mapping[str, tuple[str, ...]]:
        """A context that policies answer as they do this one: the same for all that they do not tell apart."""
        found = {key: self._first_like(key.lower(), values) for key, values in context.items() if values}
        return context if all(context[key] is values for key, values in found.items()) else {**context, **found}

    def _first_like(self, key: str, values: tuple[str, ...]) -> tuple[str, ...]:
        conditions = self._conditions.get(key)
        if conditions is None:
            return values
        known = self._known.get((key, values))
        if known is None:
            if len(self._known) >= _MOST_VALUES:
                self._known.clear()
                self._first.clear()
            context = RequestContext(CommonContext({key: values}))
            truths = tuple(found if isinstance(found := one.test(context), bool) else None for one in conditions)
            known = self._known[key, values] = self._first.setdefault((key, truths), values)
        return known


# Which accounts policies tell apart as owners of resources.

_ACCOUNT_ID: Final = re.compile(r"(?<![0-9])[0-9]{12}(?![0-9])")
_OWNER_KEYS: Final = ("aws:resourceaccount", "s3:resourceaccount")
OF_OWNERS: Final = frozenset((*_OWNER_KEYS, "aws:resourceorgid", "aws:resourceorgpaths"))
"""Keys of the account that owns a resource."""


def owners_named(documents: Iterable[PolicyDocument]) -> tuple[frozenset[str], bool]:
    """The accounts that policies name, and whether they tell owners of resources apart otherwise than by whole ids.

    Args:
        documents: of which one that cannot be read names nobody.
    """
    statements = [one for each in documents if each.error is None for one in each.policy.statements]
    entries = [text for one in statements for text in _resources_in(one)]
    lines = [line for one in statements for line in one.conditions]
    of_owners = [line for line in lines if line.key.lower() in _OWNER_KEYS]
    in_part = any(map(names_owner_in_part, entries)) or any(map(_compares_in_part, of_owners))
    texts = (*entries, *(value for line in lines for value in line.values))
    return frozenset(found for text in texts for found in _ACCOUNT_ID.findall(text)), in_part


def _compares_in_part(line: ConditionLine) -> bool:
    # By its size or as a time an id is not compared as a whole.
    return any(map(_is_in_part, line.values)) or any(kind in line.operator.lower() for kind in ("numeric", "date"))


def names_owner_in_part(resource: str) -> bool:
    """True for a wildcard within the account of an ARN, which is where a short one may end."""
    fields = resource.split(":", 5)
    return len(fields) > 4 and _is_in_part(fields[4])


def _is_in_part(account: str) -> bool:
    return ("*" in account or "?" in account) and account != "*"


_MOST_NAMED: Final = 3


class _Refused(NamedTuple):
    """A statement that AWS would refuse, with its policy and the fault."""

    where: str
    document: PolicyDocument
    statement: Statement
    fault: str

    def may_be_about(self, actions: Sequence[str]) -> bool:
        """True where a statement is about one of some actions, or its author may have meant it to be."""
        entries = self.statement.actions or self.statement.not_actions or ()
        element = ActionElement(entries, negated=self.statement.not_actions is not None)
        for action in map(action_name, actions):
            if element.matches(action) or any(may_mean(entry, action.service, action.name) for entry in entries):
                return True
        return False


def refused_statements(account: Account, actions: Sequence[str] = (), principal: Principal | None = None) -> str:
    """One sentence on what AWS would refuse of the policies that answers rest on, safe to show; "" for nothing.

    Args:
        actions: only of statements that may be about one of these; empty: about any.
        principal: only of policies of this principal and of the SCPs above it; None: of all in the account.
    """
    found = account.memo.get("refused statements")
    if found is None:
        # Each document is parsed for it, which stays with the account.
        found = account.memo["refused statements"] = tuple(_refused(account))
    if principal is not None and found:
        documents = own_documents(account, principal)
        found = tuple(one for one in found if one.document in documents)
    words = [f"{one.where} {one.fault}" for one in found if not actions or one.may_be_about(actions)]
    if not words:
        return ""
    more = f"; {len(words) - _MOST_NAMED:,} more" if len(words) > _MOST_NAMED else ""
    named = "; ".join(words[:_MOST_NAMED])
    return f"What AWS does with statements that it would refuse cannot be proved: {named}{more}."


def own_documents(account: Account, principal: Principal) -> frozenset[PolicyDocument]:
    """The policies of a principal, its boundaries and the SCPs above it, as far as they are known."""
    own = principal_policies(account, principal)
    levels = () if isinstance(own.scps, NotEvaluated) else own.scps
    policies = (*own.identity, *own.boundaries, *(policy for level in levels for policy in level.policies))
    return frozenset(policy.document for policy in policies if isinstance(policy, NamedPolicy))


def _refused(account: Account) -> Iterator[_Refused]:
    for name, policy_type, document in documents_in(account):
        for statement in document.policy.statements if document.error is None else ():
            fault = fault_of(statement, policy_type)
            if fault:
                which = safe_text(statement.sid, limit=64) if statement.sid else f"statement {statement.index + 1}"
                yield _Refused(f"{which} of {safe_text(name, limit=128)}", document, statement, fault)
