"""Statements ready to be matched: Action and Principal elements, and whole statements of policies compiled once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum
from functools import lru_cache
from sys import intern
from typing import Final, NamedTuple

from msgspec import Struct

from iamtui.policy.conditions import CompiledCondition
from iamtui.policy.context import RequestContext, SessionLeaf, Truth, all_of, any_of, negate
from iamtui.policy.document import PolicyDocument, PrincipalEntry, Statement, is_malformed
from iamtui.policy.patterns import Arn, Glob, is_account_id, parse_arn, parse_pieces, tokens_of
from iamtui.policy.resource import Reach, RequestResource, ResourceElement, ResourceMatcher
from iamtui.policy.types import DEFAULT_LANGUAGE_OPTIONS, LanguageOptions, PolicyType


class ActionName(NamedTuple):
    """An action in lower case, cut at its first colon.

    Args:
        full: `service:name`.
    """

    service: str
    name: str
    full: str


def action_name(text: str) -> ActionName:
    """Cut an action at its first colon; an action without a colon has an empty name."""
    service, _, name = text.lower().partition(":")
    return ActionName(service, name, f"{service}:{name}")


@lru_cache(maxsize=16384)
def _name_glob(pattern: str) -> Glob:
    return Glob(tokens_of(parse_pieces(pattern, variables=False)))


class NamePatterns:
    """The entries of one element for one service; sorted by what they cost."""

    __slots__ = ("everything", "exact", "globs", "prefixes")

    def __init__(self, names: list[str]) -> None:
        self.everything = any(not name.strip("*") for name in names)
        exact: list[str] = []
        prefixes: list[str] = []
        globs: list[Glob] = []
        for name in names:
            stars = name.count("*")
            if "?" not in name and not stars:
                exact.append(name)
            elif stars == 1 and name[-1] == "*" and "?" not in name:
                prefixes.append(name[:-1])
            else:
                globs.append(_name_glob(name))
        self.exact = frozenset(exact)
        self.prefixes = tuple(prefixes)
        self.globs = tuple(globs)

    def match(self, name: str) -> bool:
        """True if one of the entries matches the name of an action."""
        if self.everything:
            return True
        if name in self.exact or (self.prefixes and name.startswith(self.prefixes)):
            return True
        # Spelled out, because a statement of a thousand names is asked for every decision.
        for glob in self.globs:  # noqa: SIM110
            if glob.matches(name):
                return True
        return False


class ActionElement:
    """The compiled Action or NotAction of a statement.

    `*` and `*:*` match every action. Otherwise the service is compared literally and only the name is
    globbed; an entry of another form (no colon, blanks, an empty name) matches nothing.

    Args:
        has_everything: whether one of its entries stands for every action.
    """

    __slots__ = ("_names", "_patterns", "has_everything", "negated", "nothing")

    def __init__(self, entries: tuple[str, ...], *, negated: bool) -> None:
        self.negated = negated
        self.nothing = not entries
        self.has_everything = False
        names: dict[str, list[str]] = {}
        for entry in entries:
            text = entry.lower()
            if text in ("*", "*:*"):
                self.has_everything = True
                continue
            service, colon, name = text.partition(":")
            if colon and name:
                names.setdefault(intern(service), []).append(intern(name))
        self._names = names
        # Made when a service is first asked about, which most that are named in an account never are.
        self._patterns: dict[str, NamePatterns] = {}

    @property
    def services(self) -> frozenset[str] | None:
        """The services whose actions can match, or None for any."""
        if self.nothing:
            return frozenset()
        if self.negated or self.has_everything:
            return None
        return frozenset(self._names)

    @property
    def named_services(self) -> frozenset[str]:
        """The services of its entries, whether it is about these or about all others."""
        return frozenset(self._names)

    def whole_service(self, service: str) -> bool | None:
        """True if it matches every action of a service, False if none of them; None: some of them."""
        if self.nothing:
            return False
        if self.has_everything:
            return not self.negated
        if service not in self._names:
            return self.negated
        return not self.negated if self.names_of(service).everything else None

    def names_of(self, service: str) -> NamePatterns:
        """The entries for a service that is named."""
        found = self._patterns.get(service)
        if found is None:
            found = self._patterns[service] = NamePatterns(self._names[service])
        return found

    def matches(self, action: ActionName) -> bool:
        if self.nothing:
            return False
        if self.has_everything:
            return not self.negated
        service = action.service
        return (service in self._names and self.names_of(service).match(action.name)) is not self.negated

    def covers(self, entry: str) -> bool:
        """True if it certainly matches every action that an entry of an Action element matches, known or not."""
        return self._matches_of(entry, every=True)

    def overlaps(self, entry: str) -> bool:
        """True if it may match some action that an entry of an Action element matches, known or not."""
        return self._matches_of(entry, every=False)

    def _matches_of(self, entry: str, *, every: bool) -> bool:
        service, name, _ = _entry_parts(entry)
        if self.nothing or (self.has_everything and self.negated):
            return False
        if self.has_everything:
            return True
        if service == "*":
            return not every
        tokens = _name_glob(name).tokens
        # What is excepted may have nothing of an entry that is covered, and may not be all of one that is overlapped.
        compare = Glob.covers if every is not self.negated else Glob.shares
        return any(compare(_name_glob(one), tokens) for one in self._names.get(service, ())) is not self.negated


def _entry_parts(entry: str) -> ActionName:
    """An entry split as an action is; for every action, the service is the star."""
    return action_name("*:*" if entry == "*" else entry)


class Strength(StrEnum):
    """By which form of principal an Allow reaches the caller; it decides what else the caller needs."""

    SESSION = "session"
    USER = "user"
    WILDCARD = "wildcard"
    ROLE = "role"
    ISSUER = "issuer"
    ACCOUNT = "account"
    SERVICE = "service"
    FEDERATED = "federated"


class CallerKind(StrEnum):
    """Kind of a caller, as principal elements distinguish them."""

    ROOT = "root"
    USER = "user"
    ROLE = "role"
    FEDERATED_USER = "federated_user"
    SERVICE = "service"
    PROVIDER = "provider"
    CANONICAL_USER = "canonical_user"
    ANONYMOUS = "anonymous"


class Caller(Struct, frozen=True):
    """A caller as principal elements see it.

    Args:
        kind: a role session and a role given as caller are both ROLE.
        name: user, session, role or provider ARN; service name or canonical id.
        account, partition: of the caller, or "".
        role_name: for ROLE.
        role_arn: for ROLE when its path is known, else None: the name then decides.
        session_arn: for a ROLE whose session is known, else None.
        unique_id: AIDA... or AROA..., or None.
        issuer: user ARN behind a FEDERATED_USER, or None.
        session_may_vary: for a ROLE without session, whether session entries are undetermined (else no match).
        has_boundary: whether a permissions boundary is in force.
    """

    kind: CallerKind
    name: str
    account: str = ""
    partition: str = ""
    role_name: str = ""
    role_arn: str | None = None
    session_arn: str | None = None
    unique_id: str | None = None
    issuer: str | None = None
    session_may_vary: bool = False
    has_boundary: bool = False


class PrincipalRules(Struct, frozen=True):
    """Rules that differ by policy type and open point.

    Args:
        trust: whether the document is a role trust policy.
        star_includes_services: whether an Allow to "*" includes service principals.
        aws_star_admits_services: whether {"AWS": "*"} in the Allow of a trust policy admits services.
        account_root_needed: whether Deny with NotPrincipal also denies when the account root is not listed.
        outsiders_are_granted: whether Allow with NotPrincipal reaches everyone who is not listed, or nobody.
    """

    trust: bool = False
    star_includes_services: bool = True
    aws_star_admits_services: bool = False
    account_root_needed: bool = False
    outsiders_are_granted: bool = True


_IN_ACCOUNT = frozenset((CallerKind.ROOT, CallerKind.USER, CallerKind.ROLE, CallerKind.FEDERATED_USER))
_OWN = frozenset(
    (Strength.SESSION, Strength.USER, Strength.ROLE, Strength.SERVICE, Strength.FEDERATED, Strength.WILDCARD)
)


def match_entry(entry: PrincipalEntry, caller: Caller, *, trust: bool) -> tuple[Strength, Truth] | None:
    """How one entry reaches the caller, or None when it does not.

    A wildcard inside an ARN or id makes an entry that matches nobody. Federated entries mean something in role
    trust policies only.
    """
    value = entry.value
    if value == "*":
        return (Strength.WILDCARD, True) if entry.bare or entry.kind == "AWS" else None
    if entry.kind == "AWS":
        return _match_aws(value, caller)
    if entry.kind == "Service":
        return (Strength.SERVICE, True) if caller.kind is CallerKind.SERVICE and value == caller.name else None
    if entry.kind == "Federated":
        same = trust and caller.kind is CallerKind.PROVIDER and value == caller.name
        return (Strength.FEDERATED, True) if same else None
    if entry.kind == "CanonicalUser":
        same = caller.kind is CallerKind.CANONICAL_USER and value == caller.name
        return (Strength.ACCOUNT, True) if same else None
    return None


_KINDS_OF_ENTRIES: Final = frozenset(("AWS", "Service", "Federated", "CanonicalUser"))
_RESOURCES_OF_CALLERS: Final = {"iam": ("root", "user", "role"), "sts": ("assumed-role", "federated-user")}


def nobody_named(statement: Statement) -> Iterator[PrincipalEntry]:
    """The entries of Principal or NotPrincipal that match nobody: of a kind that AWS lacks, or with a wildcard."""
    for entry in (*(statement.principals or ()), *(statement.not_principals or ())):
        if entry.value == "*" and (entry.bare or entry.kind == "AWS"):
            continue
        arn = parse_arn(entry.value) if entry.kind == "AWS" else None
        is_kind = entry.kind in _KINDS_OF_ENTRIES
        is_other = arn is not None and arn.resource_type not in _RESOURCES_OF_CALLERS.get(arn.service, ())
        if not is_kind or is_other or set(entry.value) & set("*?"):
            yield entry


_entry_arn = lru_cache(maxsize=16384)(parse_arn)
"""A trust policy may name hundreds of accounts, which are all read again for each caller."""


def _match_aws(value: str, caller: Caller) -> tuple[Strength, Truth] | None:
    if is_account_id(value):
        return (Strength.ACCOUNT, True) if caller.kind in _IN_ACCOUNT and value == caller.account else None
    arn = _entry_arn(value)
    if arn is None:
        if caller.unique_id is not None and value == caller.unique_id:
            return (Strength.USER if caller.kind is CallerKind.USER else Strength.ROLE, True)
        return None
    if arn.service == "iam":
        return _match_iam_arn(value, arn, caller)
    if arn.service == "sts":
        return _match_session_arn(value, arn, caller)
    return None


def _match_iam_arn(value: str, arn: Arn, caller: Caller) -> tuple[Strength, Truth] | None:
    if arn.resource == "root" and not arn.region:
        same = caller.kind in _IN_ACCOUNT and (arn.account, arn.partition) == (caller.account, caller.partition)
        return (Strength.ACCOUNT, True) if same else None
    if caller.kind is CallerKind.USER:
        return (Strength.USER, True) if value == caller.name else None
    if caller.kind is CallerKind.FEDERATED_USER:
        return (Strength.ISSUER, True) if value == caller.issuer else None
    if caller.kind is CallerKind.ROLE and is_role(value, arn, caller):
        return (Strength.ROLE, True)
    return None


def is_role(value: str, arn: Arn, caller: Caller) -> bool:
    """True if a role ARN names the caller's role; by name alone when the caller's role path is not known."""
    if caller.role_arn is not None:
        return value == caller.role_arn
    return (
        arn.resource.startswith("role/")
        and not arn.region
        and arn.name == caller.role_name
        and (arn.account, arn.partition) == (caller.account, caller.partition)
    )


def _match_session_arn(value: str, arn: Arn, caller: Caller) -> tuple[Strength, Truth] | None:
    if caller.kind is CallerKind.FEDERATED_USER:
        return (Strength.SESSION, True) if value == caller.name else None
    if caller.kind is not CallerKind.ROLE:
        return None
    if caller.session_arn is not None:
        return (Strength.SESSION, True) if value == caller.session_arn else None
    parts = arn.resource.split("/")
    of_this_role = (
        caller.session_may_vary
        and len(parts) == 3
        and parts[:2] == ["assumed-role", caller.role_name]
        and not arn.region
        and (arn.account, arn.partition) == (caller.account, caller.partition)
        and "*" not in parts[2]
    )
    return (Strength.SESSION, SessionLeaf(parts[2])) if of_this_role else None


def _reaches(entry: PrincipalEntry, caller: Caller, rules: PrincipalRules) -> bool:
    """True if a star entry of an Allow includes a caller that is no AWS principal; it never includes a provider's."""
    if entry.value != "*":
        return True
    if caller.kind is CallerKind.SERVICE:
        admitted = entry.bare or not rules.trust or rules.aws_star_admits_services
        return rules.star_includes_services and admitted
    return caller.kind is not CallerKind.PROVIDER


def allow_strengths(statement: Statement, caller: Caller, rules: PrincipalRules) -> Mapping[Strength, Truth]:
    """By which forms the principals of an Allow statement reach the caller; empty when they do not.

    A statement with neither Principal nor NotPrincipal reaches nobody. NotPrincipal with Allow, which AWS no
    longer accepts, reaches everyone who is not listed. An identity provider has to be named.
    """
    if statement.not_principals is not None:
        if not rules.outsiders_are_granted or caller.kind is CallerKind.PROVIDER:
            return {}
        listed = any_of(
            found[1] for entry in statement.not_principals if (found := match_entry(entry, caller, trust=rules.trust))
        )
        outside = negate(listed)
        return {} if outside is False else {Strength.WILDCARD: outside}
    reached: dict[Strength, list[Truth]] = {}
    for entry in statement.principals or ():
        found = match_entry(entry, caller, trust=rules.trust)
        if found is not None and _reaches(entry, caller, rules):
            strength, truth = found
            reached.setdefault(strength, []).append(truth)
    return {strength: any_of(truths) for strength, truths in reached.items()}


def deny_applies(statement: Statement, caller: Caller, rules: PrincipalRules) -> Truth:
    """Truth of the principals of a Deny statement including the caller.

    NotPrincipal spares only a caller whose own ARN is listed (its role counts as own) and who has no
    permissions boundary.
    """
    if statement.not_principals is not None:
        return True if caller.has_boundary else negate(_own_arn_listed(statement.not_principals, caller, rules))
    return any_of(
        found[1] for entry in statement.principals or () if (found := match_entry(entry, caller, trust=rules.trust))
    )


def _own_arn_listed(entries: tuple[PrincipalEntry, ...], caller: Caller, rules: PrincipalRules) -> Truth:
    own: list[Truth] = []
    root_listed = False
    for entry in entries:
        found = match_entry(entry, caller, trust=rules.trust)
        if found is None:
            continue
        strength, truth = found
        if strength in _OWN or caller.kind in (CallerKind.ROOT, CallerKind.CANONICAL_USER):
            own.append(truth)
        if strength in (Strength.ACCOUNT, Strength.WILDCARD):
            root_listed = True
    if rules.account_root_needed and caller.kind in _IN_ACCOUNT and not root_listed:
        return False
    return any_of(own)


class CompiledStatement(Struct, frozen=True):
    """One statement: what it says, and its elements ready to be matched.

    Args:
        keys: lower-case condition keys that its conditions and variables read.
        reaches_everyone: whether its principals are the star and nothing else.
        reads_context: whether anything in it depends on the context; a condition on a malformed key counts.
        any_resource: whether it is about every resource (`Resource: "*"`).
    """

    statement: Statement
    allows: bool
    action: ActionElement
    resource: ResourceElement
    conditions: tuple[CompiledCondition, ...]
    keys: frozenset[str]
    reaches_everyone: bool
    reads_context: bool
    any_resource: bool

    def matches_resource(
        self, resource: RequestResource, context: RequestContext, options: LanguageOptions, *, everywhere: bool
    ) -> Truth:
        """Truth of the statement covering the resource.

        Args:
            everywhere: for a SET, ask about all of its resources instead of at least one.
        """
        reach = Reach.SHARES if self.allows is not everywhere else Reach.COVERS
        return self.resource.applies(resource, context, options, reach=reach)

    def holds(self, context: RequestContext) -> Truth:
        undetermined: list[Truth] = []
        for condition in self.conditions:
            truth = condition.test(context)
            if truth is False:
                return False
            if truth is not True:
                undetermined.append(truth)
        if not undetermined:
            return True
        return undetermined[0] if len(undetermined) == 1 else all_of(undetermined)


class CompiledPolicy:
    """The statements of one document as one policy type, found by the service of an action.

    Of a statement only the actions are made ready at once; its resources and conditions when it is first about
    an action that is asked, which most statements of an account never are.

    Args:
        by_service: for each service that is named, the statements that may be about its actions, by index.
        of_any_service: the statements that may be about actions of any service (a star, NotAction).
        sources: the statements as they are written.
    """

    __slots__ = (
        "_compiled",
        "_malformed",
        "_options",
        "_policy_type",
        "_variables",
        "actions",
        "by_service",
        "of_any_service",
        "sources",
    )

    def __init__(self, document: PolicyDocument, policy_type: PolicyType, options: LanguageOptions) -> None:
        policy = document.policy
        self.sources = policy.statements
        self._policy_type = policy_type
        self._variables = policy.substitutes_variables
        self._options = options
        self._compiled: list[CompiledStatement | None] = [None] * len(policy.statements)
        self._malformed: tuple[int, ...] | None = None
        self.actions = tuple(map(_action_element, policy.statements))
        by_service: dict[str, list[int]] = {}
        of_any_service: list[int] = []
        for index, element in enumerate(self.actions):
            services = element.services
            if services is None:
                of_any_service.append(index)
            else:
                for service in services:
                    by_service.setdefault(service, []).append(index)
        self.by_service = by_service
        self.of_any_service = tuple(of_any_service)

    def statement(self, index: int) -> CompiledStatement:
        """One compiled statement, made on first use."""
        found = self._compiled[index]
        if found is None:
            found = self._compiled[index] = _compile_statement(
                self.sources[index],
                self.actions[index],
                self._policy_type,
                variables=self._variables,
                options=self._options,
            )
        return found

    @property
    def malformed(self) -> tuple[int, ...]:
        """Indexes of the statements with elements of a form that AWS refuses, found on first use."""
        if self._malformed is None:
            needs_resource = not self._policy_type.implies_resource
            self._malformed = tuple(
                statement.index for statement in self.sources if is_malformed(statement, needs_resource=needs_resource)
            )
        return self._malformed

    @property
    def statements(self) -> tuple[CompiledStatement, ...]:
        return tuple(map(self.statement, range(len(self.sources))))


_compiled_condition = lru_cache(maxsize=4096)(CompiledCondition)
"""One object for equal conditions, of which an account has many, so that what is found out about one holds for all."""


def _action_element(statement: Statement) -> ActionElement:
    if statement.not_actions is not None:
        return _made_action_element(statement.not_actions, negated=True)
    return _made_action_element(statement.actions or (), negated=False)


_made_action_element = lru_cache(maxsize=4096)(ActionElement)
"""As with conditions."""


def _compile_statement(
    statement: Statement,
    action: ActionElement,
    policy_type: PolicyType,
    *,
    variables: bool,
    options: LanguageOptions,
) -> CompiledStatement:
    allows = statement.effect == "Allow"
    negated = statement.not_resources is not None
    entries = statement.not_resources if negated else statement.resources
    matcher = None
    if entries is not None:
        matcher = ResourceMatcher(
            entries, policy_type=policy_type, variables=variables, options=options, keeps_out=allows is negated
        )
    conditions = tuple(
        _compiled_condition(line, variables=variables, options=options, denies=not allows)
        for line in statement.conditions
    )
    keys = {key for condition in conditions for key in (condition.key, *condition.variable_keys) if key}
    if matcher is not None:
        keys.update(matcher.variable_keys)
    return CompiledStatement(
        statement=statement,
        allows=allows,
        action=action,
        resource=ResourceElement(matcher, negated=negated, implied=policy_type.implies_resource),
        conditions=conditions,
        keys=frozenset(keys),
        reads_context=bool(conditions or keys),
        any_resource=entries is not None and not negated and "*" in entries,
        reaches_everyone=statement.principals is not None
        and len(statement.principals) == 1
        and statement.principals[0].value == "*"
        and (statement.principals[0].bare or statement.principals[0].kind == "AWS"),
    )


def compile_policy(document: PolicyDocument, policy_type: PolicyType, options: LanguageOptions) -> CompiledPolicy:
    """The compiled form of a document, made once for each type and set of options.

    Raises:
        DocumentError: the document is unreadable.
    """
    key = policy_type if options is DEFAULT_LANGUAGE_OPTIONS else (policy_type, options)
    found = document.compiled.get(key)
    if found is None:
        found = document.compiled[key] = CompiledPolicy(document, policy_type, options)
    assert isinstance(found, CompiledPolicy)
    return found
