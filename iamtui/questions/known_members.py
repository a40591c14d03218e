"""Known members of a set of resources: roles with their trust policies, keys with a loaded policy."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Final

from iamtui.account.model import Account
from iamtui.engine.decision import Outcome
from iamtui.engine.evaluation import Evaluation
from iamtui.engine.index import AccountIndex
from iamtui.engine.index_reading import IndexReading, Outcomes, exclusive
from iamtui.engine.policies import NamedPolicy, NotEvaluated, PolicyInForce
from iamtui.engine.prepared_request import PreparedAction
from iamtui.engine.request import Principal, Request
from iamtui.engine.set_members import account_asked_about
from iamtui.policy.arn import is_account_id, parse_arn
from iamtui.policy.document import PolicyDocument, Statement
from iamtui.policy.principal import Caller
from iamtui.policy.resource import RequestResource, ResourceKind
from iamtui.questions.shared_question import SWITCHED_OFF, keys_with_policy

if TYPE_CHECKING:
    from iamtui.engine.policies import PoliciesInForce
    from iamtui.engine.prepared_request import PreparedRequest
    from iamtui.questions.evaluator import QuestionEvaluator

_EVERYONE: Final = "*"
_MOST_DENIED: Final = 32
"""How many resources that are denied are read, so that an answer can be explained by them."""


class KnownMembers:
    """The known resources of a set, as one caller may be allowed on them.

    Args:
        asker: of the question about the set.
    """

    __slots__ = ("_asker", "_principal")

    def __init__(self, asker: QuestionEvaluator, principal: Principal) -> None:
        self._asker = asker
        self._principal = principal

    def single(self, text: str) -> tuple[Request, PoliciesInForce, PreparedRequest]:
        """The same question about one resource of the set."""
        return self._asker.about(text).put_by(self._principal)

    def are_all(self, reading: Evaluation) -> bool:
        """Whether the account knows all resources of the set: it knows its roles, and no other account's."""
        if self._asker.aliases is not None:
            return self._asker.aliases.are_all
        request = reading.request
        owner = account_asked_about(request.resource, request.resource_account, request.principal.account)
        return _knows_all(self._asker.account, reading.prepared, reading.policies.resource, owner)

    def texts(self, reading: Evaluation) -> Iterator[str]:
        """Known resources of the set on which the caller may be allowed, those first on which it is."""
        account, prepared = self._asker.account, reading.prepared
        all_known = self.are_all(reading)
        found: Iterable[str] = ()
        if self._asker.aliases is not None:
            found = self._asker.aliases.arns
        elif prepared.key or all_known:
            inside = self._asker.known_in(prepared)
            found = candidates(account, prepared, inside, reading.caller, _granted_by_reading(reading))
        waiting: list[str] = []
        denied: list[str] = []
        for text in found:
            outcome = self._asker.about(text).outcome(self._principal)
            if outcome is Outcome.ALLOWED:
                yield text
            elif outcome is Outcome.DEPENDS:
                waiting.append(text)
            else:
                denied.append(text)
        yield from waiting
        # Of a set that holds others too these say nothing.
        yield from denied[:_MOST_DENIED] if all_known else ()


def candidates(
    account: Account,
    prepared: PreparedAction,
    inside: frozenset[str],
    caller: Caller,
    granted: Callable[[str], bool] | None,
) -> Iterable[str]:
    """Known resources of a set whose policy may let a caller in.

    Args:
        inside: the known resources of the set.
        granted: whether the caller's own policies may grant what a resource's policy leaves to them; None: nothing.
    """
    trusting = _trusting(account, prepared)
    found = dict.fromkeys(arn for key in _keys_of(caller) for arn in trusting.get(key, ()) if arn in inside)
    if granted is not None:
        delegated = (arn for arn in trusting.get(caller.account, ()) if arn in inside)
        found.update(dict.fromkeys(filter(granted, delegated)))
    return found


def _knows_all(
    account: Account, prepared: PreparedAction, resource: PolicyInForce | NotEvaluated | None, owner: str
) -> bool:
    return prepared.trust and resource is not SWITCHED_OFF and owner == account.id


def _keys_of(caller: Caller) -> Iterator[str]:
    """What the policy of a resource can name a caller by, besides its account."""
    yield _EVERYONE
    for name in (caller.name, caller.role_arn, caller.session_arn, caller.issuer, caller.unique_id):
        if name:
            yield _key(name)
    if caller.role_name:
        yield caller.role_name


def _key(value: str) -> str:
    """What an entry of a Principal element is found by: an account, or the last word that it and the caller share."""
    arn = parse_arn(value)
    if arn is None:
        return value
    if arn.resource == "root":
        return arn.account
    return arn.resource.split("/")[1] if arn.resource.startswith("assumed-role/") else arn.name


def with_known_members(
    asker: QuestionEvaluator, index: AccountIndex, reading: IndexReading, found: Outcomes, owner: str | None
) -> Outcomes:
    """The outcomes of a set whose members are known.

    Args:
        reading: of the set as a whole, each member of which is taken to let everybody in.
        found: what that came to.
        owner: the account that owns the resources, or None.
    """
    account, prepared = asker.account, reading.prepared
    all_known = _knows_all(account, prepared, None, owner or "")
    who = index.everyone & ~index.left & ~reading.settled & ~reading.unclear
    allowed = depends = denied = complete = left = 0
    allows: dict[object, int] = {}
    denies: dict[object, int] = {}
    for text, keys, own in _members(account, prepared):
        # Whom it may trust as itself counts where anything is granted: by their own policies, or as one of the account.
        here = index.named(own) & (-1 if account.id in keys else reading.granted) if own else 0
        for key in keys:
            # What lets in the account leaves the rest to the caller's own policies.
            here |= reading.granted if key == account.id else index.everyone if key == _EVERYONE else index.named(key)
        here &= who & ~allowed
        if not here or text not in asker.known_in(prepared):
            continue
        single = asker.about(text).read_index(index, here)
        if single is None:
            left |= here
            continue
        outcomes, read = single
        allowed |= outcomes.allowed
        depends |= outcomes.depends
        denied |= outcomes.explicit_deny
        left |= outcomes.left
        complete |= outcomes.allowed & outcomes.complete
        for noted, into in ((read.open_allows, allows), (read.open_denies, denies)):
            for waited_for, bits in noted.items():
                into[waited_for] = into.get(waited_for, 0) | bits
    rest = who & ~allowed
    left = (left & rest) | reading.unclear | (depends & exclusive(allows, denies) & rest)
    if not all_known:
        # What is granted may be known keys alone, whose policies let nobody in.
        left |= rest & found.allowed
        rest &= ~left
        waiting = found.implicit_deny & rest & depends
        return Outcomes(
            allowed,
            found.explicit_deny,
            found.implicit_deny & (rest | reading.settled) & ~waiting,
            (found.depends & rest) | waiting,
            left | (found.left & ~allowed),
            complete | (waiting if reading.caps_complete else 0),
        )
    # Which of the Denies decides is said of those that grant anything.
    left |= rest & denied & ~depends
    rest &= ~left
    return Outcomes(
        allowed,
        found.explicit_deny,
        (found.implicit_deny & reading.settled) | (rest & ~depends),
        rest & depends,
        left,
        index.everyone if reading.caps_complete else 0,
    )


def _members(account: Account, prepared: PreparedAction) -> tuple[tuple[str, frozenset[str], str], ...]:
    """The known resources: by what each lets in whom, and its own name where it may trust itself."""
    kind = "keys" if prepared.key else "roles"
    found = account.memo.get((kind, "whom each lets in"))
    if found is None:
        found = account.memo[kind, "whom each lets in"] = tuple(
            (arn, frozenset(_keys_in(document)), own) for arn, own, document in _policies(account, kind)
        )
    assert isinstance(found, tuple)
    return found


def policies_of_members(account: Account, prepared: PreparedAction) -> tuple[NamedPolicy, ...]:
    """The policies of the known resources that sets of an action's resources may have."""
    kind = "keys" if prepared.key else "roles"
    return tuple(NamedPolicy(arn, document) for arn, _, document in _policies(account, kind))


def may_be_known_by_name(account: Account, prepared: PreparedAction, principal: Principal) -> bool:
    """Whether the policy of a known resource may name a principal, or stand for itself."""
    trusting = _trusting(account, prepared)
    names = (principal.arn.rsplit("/", 1)[-1], principal.unique_id, principal.role_name)
    return any(name in trusting for name in names if name)


def _trusting(account: Account, prepared: PreparedAction) -> dict[str, list[str]]:
    """The roles, or keys, by whom the Allows of their policies name."""
    kind = "keys" if prepared.key else "roles"
    found = account.memo.get((kind, "by whom they let in"))
    if found is None:
        found = account.memo[kind, "by whom they let in"] = _by_whom_they_let_in(_policies(account, kind))
    assert isinstance(found, dict)
    return found


def _policies(account: Account, kind: str) -> Iterator[tuple[str, str, PolicyDocument]]:
    """The ARN of each role, or key, its name where it may trust itself, and its policy."""
    if kind == "roles":
        for role in account.roles:
            # A role of old may trust itself without saying so.
            yield role.arn, role.name, role.trust
        return
    for arn in keys_with_policy(account):
        document = account.resource_policies[arn].document
        if document is not None:
            yield arn, _EVERYONE if document.error else "", document


def _by_whom_they_let_in(policies: Iterable[tuple[str, str, PolicyDocument]]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for arn, own, document in policies:
        for key in sorted({*_keys_in(document), *((own,) if own else ())}):
            found.setdefault(key, []).append(arn)
    return found


def _keys_in(document: PolicyDocument) -> Iterator[str]:
    """What the Allows of a policy name whom they let in by."""
    if document.error:
        yield _EVERYONE
        return
    for statement in document.policy.statements:
        yield from _named_by(statement)


def _named_by(statement: Statement) -> Iterator[str]:
    if statement.effect == "Allow":
        if statement.not_principals is not None:
            yield _EVERYONE
        for entry in statement.principals or ():
            yield entry.value if is_account_id(entry.value) else _key(entry.value)


def _granted_by_reading(reading: Evaluation) -> Callable[[str], bool] | None:
    """Whether the caller's own policies may grant what a resource's policy leaves to them, as they were read."""
    scanned = reading.identity
    if scanned is None or (not scanned.missing and scanned.allow is False):
        return None
    if scanned.missing:
        return lambda _: True
    matches = [match.statement for match in scanned.matches if match.statement.allows]

    def granted(text: str) -> bool:
        resource = RequestResource(text, ResourceKind.ONE)
        return any(
            statement.any_resource
            or statement.matches_resource(resource, reading.context, reading.language, everywhere=False) is not False
            for statement in matches
        )

    return granted
