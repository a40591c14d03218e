"""A yardstick: whether identity policies and a permissions boundary allow an action, as fast as plain Python says it.

An absolute number of decisions per second tells more of the machine than of the engine; the ratio to this evaluator,
taken within one run, does not. It leaves out all that makes a decision more than a yes or no:

- SCPs, RCPs, resource policies (trust and key policies too), session policies, and the rules of single services, as
  that sts:GetCallerIdentity needs no permission;
- what is not known: a context key without a value is absent, a policy without a document says nothing;
- resource types: an ARN is asked about even where the action has none, and `*` is not a set of resources but a text
  that only a pattern for everything matches;
- policy variables: a value or a resource with `${...}` matches nothing;
- condition operators other than String*, Arn*, Bool and Null, and set operators: such a line does not hold, so that
  an Allow with it does not grant, and a Deny with it does not deny;
- explanations: layers, reasons, statements that matched, notes.

What is left is answered as the engine answers it in strict mode. Policies are compiled once for each document and
shared; a decision looks at each policy of its principal, and there at the statements that name the service asked.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Final, TypeAlias

from iamtui.account.model import Account
from iamtui.engine.request import NamedPolicy, PolicyInForce, Principal, caller_fixed_keys
from iamtui.policy.document import ConditionLine, PolicyDocument, Statement
from iamtui.questions.policies_in_force import principal_policies
from iamtui.questions.shared_question import principal_context

Context: TypeAlias = Mapping[str, str]
"""The value of each condition key that a principal's requests carry, by lower-case name."""

Test: TypeAlias = Callable[[Context, str, str], bool]
"""Whether a condition line holds: for a principal's context, the service asked and the resource."""

FullMatch: TypeAlias = Callable[[str], object] | None
"""Whether a text matches one of several patterns, once it begins as one of them does; None: that is enough."""

Scope: TypeAlias = tuple[tuple[str, ...], FullMatch, tuple[Test, ...]]
"""What a statement asks besides its action: the texts that a resource begins with, the match of the whole, tests."""

Names: TypeAlias = tuple[tuple[str, ...], FullMatch, Scope]
"""Patterns of action names, and the scope of the statement that has them."""

Entry: TypeAlias = tuple[dict[str, tuple[Scope, ...]], tuple[Scope, ...], tuple[Names, ...]]
"""What a policy says of a service: scopes by action name, those of every other action, and those of patterns."""

Statements: TypeAlias = dict[str, Entry]
"""The statements of one effect in one policy, by service; "" stands for every service that no policy names."""

Caller: TypeAlias = tuple[tuple[Statements, ...], tuple[Statements, ...], tuple[Statements, ...] | None, Context]
"""What allows a principal, what denies, what its boundary allows (None: it has none), and its context."""

_ANYTHING: Final = ("",)
_GLOBAL_SERVICES: Final = frozenset(
    ("iam", "organizations", "route53", "cloudfront", "support", "health", "account", "globalaccelerator", "shield")
)
"""Services whose requests report us-east-1 as aws:RequestedRegion."""


class YesOrNo:
    """The policies of an account, compiled once for each document, and who has which of them."""

    def __init__(self, account: Account, principals: Iterable[Principal]) -> None:
        """Compile everything at once, so that no decision has to.

        Args:
            principals: who will be asked about.
        """
        held = {principal: principal_policies(account, principal) for principal in principals}
        own = {principal: _documents(policies.identity) for principal, policies in held.items()}
        caps = {principal: _documents(policies.boundaries) for principal, policies in held.items()}
        documents = {document for found in (*own.values(), *caps.values()) for document in found}
        self._services = frozenset(
            entry.partition(":")[0].lower()
            for document in documents
            for statement in document.policy.statements
            for entry in statement.actions or statement.not_actions or ()
        )
        services = (*self._services, "")
        allows = {document: _statements(document, "Allow", services) for document in documents}
        denies = {document: _statements(document, "Deny", services) for document in documents}
        self._callers: dict[str, Caller] = {}
        for principal, policies in held.items():
            mine, cap = own[principal], caps[principal]
            self._callers[principal.arn] = (
                _present(allows[document] for document in mine),
                _present(denies[document] for document in (*mine, *cap)),
                _present(allows[document] for document in cap) if policies.boundaries else None,
                _context(account, principal),
            )

    def allows(self, principal_arn: str, action: str, resource: str) -> bool:
        """Whether a principal may do this."""
        allowing, denying, bounding, context = self._callers[principal_arn]
        service, _, name = action.lower().partition(":")
        if service not in self._services:
            service = ""
        return (
            _some_match(allowing, service, name, resource, context)
            and (bounding is None or _some_match(bounding, service, name, resource, context))
            and not _some_match(denying, service, name, resource, context)
        )


def _some_match(policies: tuple[Statements, ...], service: str, name: str, resource: str, context: Context) -> bool:
    """Whether a statement of one of the policies matches a request."""
    for by_service in policies:
        if service in by_service:
            named, always, patterned = by_service[service]
            scopes = named.get(name, always)
            for beginnings, fullmatch, scope in patterned:
                if name.startswith(beginnings) and (fullmatch is None or fullmatch(name)):
                    scopes += (scope,)
            for beginnings, fullmatch, tests in scopes:
                if resource.startswith(beginnings) and (fullmatch is None or fullmatch(resource)):
                    for test in tests:
                        if not test(context, service, resource):
                            break
                    else:
                        return True
    return False


def _documents(policies: tuple[PolicyInForce, ...]) -> tuple[PolicyDocument, ...]:
    """The documents that are known and can be read, each once."""
    named = (policy.document for policy in policies if isinstance(policy, NamedPolicy))
    return tuple(dict.fromkeys(document for document in named if document.error is None))


def _present(found: Iterable[Statements]) -> tuple[Statements, ...]:
    return tuple(statements for statements in found if statements)


def _context(account: Account, principal: Principal) -> Context:
    """What every request of a principal carries; keys with several values are left out."""
    known = {**caller_fixed_keys(principal), **principal_context(account, principal).values}
    known |= {"aws:securetransport": ("true",), "aws:viaawsservice": ("false",)}
    return {key: values[0] for key, values in known.items() if isinstance(values, tuple) and len(values) == 1}


# Compiling.


def _statements(document: PolicyDocument, effect: str, services: tuple[str, ...]) -> Statements:
    """The statements of one effect, sorted by the services they are about.

    Args:
        services: those that some policy names, and "".
    """
    exact: dict[str, dict[str, list[Scope]]] = {}
    always: dict[str, list[Scope]] = {}
    patterned: dict[str, list[Names]] = {}
    for statement in document.policy.statements:
        if statement.effect != effect:
            continue
        scope = _scope(statement)
        names = _names_by_service(statement.actions or statement.not_actions or ())
        if statement.not_actions is not None:
            for service in services if "*" not in names else ():
                if service not in names:
                    always.setdefault(service, []).append(scope)
                elif "*" not in names[service]:
                    rest = f"(?!(?:{_alternatives(map(_regex, names[service]))})\\Z).*"
                    patterned.setdefault(service, []).append((_ANYTHING, _compiled(rest), scope))
            continue
        for service in services if "*" in names else names:
            listed = names.get(service, ())
            if "*" in names or "*" in listed:
                always.setdefault(service, []).append(scope)
                continue
            globs = [name for name in listed if _is_pattern(name)]
            for name in listed:
                if name not in globs:
                    exact.setdefault(service, {}).setdefault(name, []).append(scope)
            if globs:
                patterned.setdefault(service, []).append((*_patterns(globs, _regex), scope))
    return {
        service: (
            {name: (*always.get(service, ()), *scopes) for name, scopes in exact.get(service, {}).items()},
            tuple(always.get(service, ())),
            tuple(patterned.get(service, ())),
        )
        for service in {**exact, **always, **patterned}
    }


def _names_by_service(actions: Iterable[str]) -> dict[str, list[str]]:
    """Action names by service, in lower case; `*` of the service `*` for every action there is."""
    found: dict[str, list[str]] = {}
    for action in actions:
        service, colon, name = action.lower().partition(":")
        if service == "*":
            found["*"] = ["*"]
        elif colon and name:
            found.setdefault(service, []).append(name if name.strip("*") else "*")
    return found


def _scope(statement: Statement) -> Scope:
    tests = tuple(map(_test, statement.conditions))
    entries = statement.resources if statement.not_resources is None else statement.not_resources
    texts = [text for text in entries or () if "${" not in text]
    if statement.not_resources is not None:
        return (_ANYTHING, _compiled(f"(?!(?:{_alternatives(map(_arn_regex, texts))})\\Z).*"), tests)
    if "*" in texts:
        return (_ANYTHING, None, tests)
    return (*_patterns(texts, _arn_regex), tests)


def _is_pattern(text: str) -> bool:
    return "*" in text or "?" in text


def _patterns(texts: list[str], regex: Callable[[str], str]) -> tuple[tuple[str, ...], FullMatch]:
    """How texts that match one of the patterns begin, and what matches them whole."""
    beginnings = tuple(dict.fromkeys(re.split(r"[*?]", text, maxsplit=1)[0] for text in texts))
    if all(text[-1:] == "*" and not _is_pattern(text[:-1]) for text in texts):
        return beginnings, None
    return beginnings, _compiled(_alternatives(map(regex, texts)))


def _compiled(regex: str) -> FullMatch:
    return re.compile(regex, re.DOTALL).fullmatch


def _alternatives(regexes: Iterable[str]) -> str:
    return "|".join(regexes) or "(?!)"


def _regex(pattern: str) -> str:
    return re.escape(pattern).replace(r"\*", ".*").replace(r"\?", ".")


def _arn_regex(pattern: str) -> str:
    """The regex of an ARN pattern in a Resource element: wildcards stay in their field, but for a star that ends it."""
    *fields, rest = pattern.split(":", 5)
    heads = [f"{_field(field[:-1])}.*" if field.endswith("*") else _field(field) for field in fields]
    return ":".join((*heads, _regex(rest)))


def _arn_regex_in_condition(pattern: str) -> str:
    """The same in a condition, where no wildcard leaves its field."""
    *fields, rest = pattern.split(":", 5)
    return ":".join((*map(_field, fields), _regex(rest)))


def _field(pattern: str) -> str:
    return re.escape(pattern).replace(r"\*", "[^:]*").replace(r"\?", "[^:]")


# Conditions.


def _test(line: ConditionLine) -> Test:
    name = line.operator.lower()
    key = line.key.lower()
    values = [value for value in line.values if "${" not in value]
    if name == "null":
        wanted = {value.lower() for value in values}
        return lambda context, _service, _resource: ("false" if key in context else "true") in wanted
    base = name.removesuffix("ifexists")
    negated = "not" in base
    accepted = _comparison(base.replace("not", ""), values)
    if accepted is None:
        return lambda _context, _service, _resource: False
    absent = negated or base != name
    of_request = _OF_THE_REQUEST.get(key)

    def from_context(context: Context, _service: str, _resource: str) -> bool:
        value = context.get(key)
        return absent if value is None else bool(accepted(value)) is not negated

    def from_request(_context: Context, service: str, resource: str) -> bool:
        assert of_request is not None
        value = of_request(service, resource)
        return bool(accepted(value)) is not negated if value else absent

    return from_context if of_request is None else from_request


def _comparison(base: str, values: list[str]) -> Callable[[str], object] | None:
    """What tells whether one of the values of a line is met, for an operator without `Not` and `IfExists`."""
    if base == "stringequals":
        return frozenset(values).__contains__
    if base == "bool":
        truths = {value.lower() == "true" for value in values}
        return lambda value: (value.lower() == "true") in truths
    if base == "stringequalsignorecase":
        lowered = {value.lower() for value in values}
        return lambda value: value.lower() in lowered
    if base == "stringlike":
        return _compiled(_alternatives(map(_regex, values)))
    if base in ("arnlike", "arnequals"):
        return _compiled(_alternatives(map(_arn_regex_in_condition, values)))
    return None


def _region(service: str, resource: str) -> str:
    if service in _GLOBAL_SERVICES:
        return "us-east-1"
    return resource.split(":", 4)[3] if resource.count(":") > 3 else ""


def _resource_account(_service: str, resource: str) -> str:
    return resource.split(":", 5)[4] if resource.count(":") > 4 else ""


_OF_THE_REQUEST: Final[dict[str, Callable[[str, str], str]]] = {
    "aws:requestedregion": _region,
    "aws:resourceaccount": _resource_account,
}
