"""Scenarios: a request and the policies in force as JSON, without an account.

The `simulate` command reads them with `read_scenarios`, evaluates each `Scenario` and compares the outcome
with `expect`; a `MalformedScenario` keeps its place in the output (`as_json`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Any, Final

from iamtui.engine.decision import Expectation
from iamtui.engine.request import (
    ANONYMOUS,
    EngineOptions,
    Mode,
    NamedPolicy,
    OrganizationPlace,
    PoliciesInForce,
    PolicyLevel,
    Principal,
    PrincipalKind,
    Request,
    principal_from_text,
    with_path_of_role,
)
from iamtui.engine.scenarios.scenario_format import (
    PolicyForm,
    RequestForm,
    ScenarioError,
    ScenarioForm,
    SettingsForm,
    engine_options,
    scenario_schema,
    step,
    to_form,
)
from iamtui.engine.service_rules import scope_down_problem
from iamtui.policy.document import DocumentError, DocumentPool, JsonValue, PolicyDocument, load_json
from iamtui.policy.json_text import brackets_of, kind_of, scalar_text
from iamtui.policy.patterns import is_account_id, parse_arn
from iamtui.text import safe_text

# Cuts a stream into JSON values that stand one after the other, without reading it whole.


@dataclass(frozen=True, slots=True)
class Entry:
    """One value as text.

    Args:
        line: line of the stream where it begins, 1-based.
        problem: why it was not read, or empty; the text is empty then.
    """

    text: str
    line: int
    problem: str = ""


@dataclass(frozen=True, slots=True)
class _Broken:
    """A line that cannot be used."""

    problem: str


def _too_long(longest: int) -> _Broken:
    return _Broken(f"longer than {longest:,} characters, which is more than is read at once")


_NEW_ENTRY: Final = re.compile(r'\{.*"request"\s*:')
_ARRAY: Final = re.compile(r"\s*\[\s*(\{|$)")
"""How an array of objects begins; no other value goes on over the lines of entries."""
_CHUNK: Final = 1024 * 1024


def entries(stream: IO[str] | IO[bytes], *, longest: int) -> Iterator[Entry]:
    """Give the values of a stream, one at a time.

    Args:
        stream: text, or bytes in UTF-8 (a byte order mark is skipped).
        longest: how many characters one value may have; a longer one comes as a problem and is skipped.
    """
    cut = _Cut(longest)
    for number, line in _lines(stream, longest):
        yield from cut.take(number, line)
    yield from cut.rest()


def _lines(stream: IO[str] | IO[bytes], longest: int) -> Iterator[tuple[int, str | _Broken]]:
    number = 0
    while True:
        try:
            raw = stream.readline(longest + 1)
        except UnicodeDecodeError:
            yield number + 1, _Broken("not UTF-8 text from here on, expected JSON")
            return
        if not raw:
            return
        number += 1
        if len(raw) > longest:
            if isinstance(raw, bytes) and b"\0" in raw:
                # A hole, or memory: its line may have no end.
                yield number, _Broken("not text from here on, expected JSON")
                return
            _skip_line(stream)
            yield number, _too_long(longest)
            continue
        try:
            text = raw if isinstance(raw, str) else raw.decode("utf-8")
        except UnicodeDecodeError:
            yield number, _Broken("not UTF-8 text, expected JSON")
            continue
        yield number, text.removeprefix("\ufeff") if number == 1 else text


def _skip_line(stream: IO[str] | IO[bytes]) -> None:
    while True:
        more = stream.readline(_CHUNK)
        if not more or more[-1:] in ("\n", b"\n"):
            return


class _Cut:
    """Collects lines until the brackets of a value close."""

    def __init__(self, longest: int) -> None:
        self._longest = longest
        self._reset()

    def _reset(self) -> None:
        self._collected: list[str] = []
        self._start = 0
        self._size = 0
        self._depth = 0

    def take(self, number: int, line: str | _Broken) -> Iterator[Entry]:
        """Add one line; give the entries that it completes."""
        if isinstance(line, _Broken):
            yield from self.rest()
            yield Entry("", number, line.problem)
            return
        if not self._collected and not line.strip():
            return
        if self._collected and _NEW_ENTRY.match(line) and not _ARRAY.match(self._collected[0]):
            yield from self.rest()
        if not self._collected:
            self._start = number
        self._collected.append(line)
        self._size += len(line)
        if self._size > self._longest:
            start = self._start
            self._reset()
            yield Entry("", start, _too_long(self._longest).problem)
            return
        if self._closes(line):
            yield from self.rest()

    def _closes(self, line: str) -> bool:
        """True if the value ends with this line; a text left open on the first line cannot be mended."""
        brackets = brackets_of(line)
        self._depth += brackets.left_open
        return self._depth <= 0 or (brackets.text_left_open and len(self._collected) == 1)

    def rest(self) -> Iterator[Entry]:
        """Give what has been collected, complete or not."""
        if self._collected:
            entry = Entry("".join(self._collected), self._start)
            self._reset()
            yield entry


__all__ = ["MalformedScenario", "Scenario", "ScenarioError", "parse_scenario", "read_scenarios", "scenario_schema"]

MAX_ENTRY: Final = 16 * 1024 * 1024
"""Longest scenario, or array of scenarios, read in one piece, in characters; in memory it is up to 30 times as much."""

_POOL_SIZE: Final = 1024
"""Distinct documents shared between scenarios of one stream before the pool starts again."""
_POOL_CHARACTERS: Final = 4 * 1024 * 1024
"""Characters of scenarios after which it starts again, too."""

_MOST_POLICIES: Final = 2_000
"""Policies of one scenario, all layers together: AWS lets a principal have some hundreds."""
_MOST_LEVELS: Final = 32
"""Levels of SCPs or RCPs: an organization has at most seven."""
_MOST_KEYS: Final = 2_000
_MOST_VALUES: Final = 20_000


@dataclass(frozen=True, slots=True)
class Scenario:
    """A request, the policies in force, and perhaps the decision that is expected."""

    id: str | int | None
    expect: Expectation | None
    request: Request
    policies: PoliciesInForce
    options: EngineOptions


@dataclass(frozen=True, slots=True)
class MalformedScenario:
    """A scenario that cannot be understood, in its place among the others.

    Args:
        id: its id where one could be read.
        error: what is wrong; its path is `$` when the text is not JSON.
        line: line of the input where it begins, 1-based.
    """

    id: str | int | None
    error: ScenarioError
    line: int | None = None

    def as_json(self) -> dict[str, Any]:
        """`{"id": ..., "error": {"path": ..., "message": ...}}`."""
        return {"id": self.id, "error": {"path": self.error.path, "message": self.error.message}}


def parse_scenario(value: JsonValue, pool: DocumentPool | None = None) -> Scenario:
    """Turn a decoded JSON object into a Scenario.

    Args:
        value: the object, as `scenario_schema` describes it; every key but `request` may be missing or null.
        pool: shares equal documents between scenarios, so that each is compiled once.

    Raises:
        ScenarioError: with the path inside the scenario and what was expected there.
    """
    form = to_form(value)
    _check_size(form)
    documents = DocumentPool() if pool is None else pool
    settings = form.settings
    s3 = settings.s3 if settings else None
    resource = form.resource_policy
    return Scenario(
        id=form.id,
        expect=Expectation(form.expect) if form.expect is not None else None,
        request=_request(form),
        policies=PoliciesInForce(
            identity=_policies(form.identity_policies, "identity_policies", documents),
            boundaries=_policies(form.permissions_boundaries, "permissions_boundaries", documents),
            session=_policies(form.session_policies, "session_policies", documents),
            scope_downs=_scope_downs(form, documents),
            resource=None
            if resource is None
            else NamedPolicy("resource_policy", _document(resource, "$.resource_policy", documents)),
            scps=_levels(form.scps, "scps", documents),
            rcps=_levels(form.rcps, "rcps", documents),
            vpc_endpoint=_policies(form.vpc_endpoint_policies, "vpc_endpoint_policies", documents),
            principal_in_management_account=bool(settings and settings.principal_in_management_account),
            resource_in_management_account=bool(settings and settings.resource_in_management_account),
            principal_in_iam_delegated_administrator=(
                settings.principal_in_iam_delegated_administrator if settings else None
            ),
            users_may_change_password=bool(settings and settings.users_may_change_password),
            principal_place=_place(settings),
            principal_delegated_services=tuple((settings and settings.principal_delegated_services) or ()),
            restrict_public_buckets=bool(s3 and s3.restrict_public_buckets),
            public_policy=s3.public_policy if s3 else None,
        ),
        options=engine_options(form.options),
    )


def _place(settings: SettingsForm | None) -> OrganizationPlace | None:
    """Place of the caller's account in its organization; None where a scenario does not give it."""
    managing = settings.principal_in_management_account if settings else None
    if managing is None:
        return None
    return OrganizationPlace.MANAGEMENT if managing else OrganizationPlace.MEMBER


def _check_size(form: ScenarioForm) -> None:
    """Refuse a scenario larger than anything that AWS evaluates."""
    levels = {"scps": form.scps or (), "rcps": form.rcps or ()}
    lists = [form.identity_policies, form.permissions_boundaries, form.session_policies]
    lists += [form.scope_down_policies, form.vpc_endpoint_policies]
    policies = sum(len(several or ()) for several in (*lists, *levels["scps"], *levels["rcps"]))
    context = form.request.context or {}
    values = sum(len(value) for value in context.values() if isinstance(value, list))
    for found, most, what, path in (
        *((len(several), _MOST_LEVELS, "levels", f"$.{name}") for name, several in levels.items()),
        (policies, _MOST_POLICIES, "policies in all layers", "$"),
        (len(context), _MOST_KEYS, "condition keys", "$.request.context"),
        (values, _MOST_VALUES, "values in lists", "$.request.context"),
        (len(form.request.known_absent or ()), _MOST_KEYS, "condition keys", "$.request.known_absent"),
        (len(form.request.any_value or ()), _MOST_KEYS, "condition keys", "$.request.any_value"),
    ):
        if found > most:
            raise ScenarioError(f"found {found:,} {what}, expected at most {most:,}", path=path)


def _request(form: ScenarioForm) -> Request:
    asked = form.request
    _check_action(asked.action)
    _check_resource(asked.resource)
    context = _context(asked.context or {})
    told = next((values for key, values in context.items() if key.lower() == "aws:principalarn"), ())
    principal = with_path_of_role(_principal(asked), told)
    return Request(
        principal=principal,
        action=asked.action,
        resource=asked.resource,
        resource_account=_resource_account(asked.resource_account, principal),
        context=context,
        mode=Mode.DISCOVER if form.mode == "discover" else Mode.RAW,
        known_absent=_key_names(asked.known_absent, "known_absent"),
        any_value=_key_names(asked.any_value, "any_value"),
        wildcard_only_action=asked.wildcard_only_action,
        no_such_resource="" if asked.resource_exists is not False else _not_there(asked.resource),
    )


def _principal(asked: RequestForm) -> Principal:
    path = "$.request.principal"
    given = asked.principal
    if not isinstance(given, str):
        if given.type == "Anonymous":
            return ANONYMOUS
        if not given.provider:
            raise ScenarioError("missing, expected the ARN or host of the identity provider", path=f"{path}.provider")
        return Principal(PrincipalKind.IDENTITY_PROVIDER, given.provider)
    if asked.issuer is not None and not _is_user_arn(asked.issuer):
        raise ScenarioError(
            f"found {kind_of(asked.issuer)}, expected the ARN of the user behind the federated-user session",
            path="$.request.issuer",
        )
    of_resource = parse_arn(asked.resource)
    if is_account_id(given) and of_resource is not None and "*" not in of_resource.partition:
        # A number alone names no partition: that of what is asked about is meant.
        given = f"arn:{of_resource.partition}:iam::{given}:root"
    try:
        principal = principal_from_text(given, action=asked.action, credentials=asked.credentials, issuer=asked.issuer)
    except ValueError as error:
        raise ScenarioError(f"found {kind_of(given)}, {error}", path=path) from None
    issuer = parse_arn(principal.issuer or "")
    if issuer is not None and issuer.account != principal.account:
        raise ScenarioError(
            f"found a user of account {issuer.account}, expected one of {principal.account}: the user whose "
            "credentials the session was made with is of the session's own account",
            path="$.request.issuer",
        )
    if principal.kind is PrincipalKind.SERVICE and ("." not in given or any(c.isspace() for c in given)):
        raise ScenarioError(
            f"found {kind_of(given)}, expected an ARN, a service name such as ec2.amazonaws.com, a 12-digit account, "
            f'{{"type": "Anonymous"}} or {{"type": "Federated", "provider": "..."}}',
            path=path,
        )
    return principal


def _not_there(resource: str) -> str:
    return f"{safe_text(resource, limit=256)} is known not to exist."


def _is_user_arn(text: str) -> bool:
    arn = parse_arn(text)
    return arn is not None and arn.service == "iam" and (arn.resource_type == "user" or arn.resource == "root")


def _check_action(action: str) -> None:
    service, colon, name = action.partition(":")
    plain = service and colon and name and not any(c.isspace() or c in "*?" for c in action)
    if not plain or ":" in name:
        raise ScenarioError(
            f"found {kind_of(action)}, expected one action as service:Operation, without wildcards",
            path="$.request.action",
        )


def _check_resource(resource: str) -> None:
    whole = resource.startswith("arn:") and (resource.count(":") >= 5 or resource.endswith("*"))
    if resource != "*" and not whole:
        raise ScenarioError(
            f'found {kind_of(resource)}, expected an ARN with its six fields, an ARN pattern with *, or "*"',
            path="$.request.resource",
        )


def _resource_account(given: str | None, principal: Principal) -> str | None:
    """The owner; `aws`, the owner of AWS managed policies, is judged as the caller's own account."""
    if given == "aws":
        return principal.account
    if given is not None and not is_account_id(given):
        raise ScenarioError(
            f"found {kind_of(given)}, expected a 12-digit account in quotes, or null",
            path="$.request.resource_account",
        )
    return given


def _context(given: dict[str, JsonValue]) -> dict[str, tuple[str, ...]]:
    context: dict[str, tuple[str, ...]] = {}
    seen: dict[str, str] = {}
    for key, value in given.items():
        path = f"$.request.context{step(key)}"
        first = seen.setdefault(key.lower(), key)
        if first != key:
            raise ScenarioError(f'the same key as "{first}" (letter case does not count), expected once', path=path)
        items = value if isinstance(value, list) else [value]
        texts: list[str] = []
        for i, item in enumerate(items):
            text = scalar_text(item)
            if text is None:
                where = f"{path}[{i}]" if isinstance(value, list) else path
                hint = "; leave the key out when it is absent" if item is None else ""
                raise ScenarioError(
                    f"found {kind_of(item)}, expected a text, number or boolean, or a list of these{hint}", path=where
                )
            texts.append(text)
        context[key] = tuple(texts)
    return context


def _key_names(given: list[str] | None, name: str) -> tuple[str, ...]:
    for i, key in enumerate(given or ()):
        if not key or any(c.isspace() for c in key):
            raise ScenarioError(
                f"found {kind_of(key)}, expected the name of a condition key", path=f"$.request.{name}[{i}]"
            )
    return tuple(given or ())


def _policies(given: list[PolicyForm] | None, name: str, pool: DocumentPool) -> tuple[NamedPolicy, ...]:
    return tuple(_policy(form, f"$.{name}[{i}]", f"{name}[{i}]", pool) for i, form in enumerate(given or ()))


def _scope_downs(form: ScenarioForm, pool: DocumentPool) -> tuple[NamedPolicy, ...]:
    found = _policies(form.scope_down_policies, "scope_down_policies", pool)
    principal = _principal(form.request) if found else None
    problem = scope_down_problem(principal, [policy.document for policy in found])
    if problem:
        raise ScenarioError(problem, path="$.scope_down_policies")
    return found


def _levels(given: list[list[PolicyForm]] | None, name: str, pool: DocumentPool) -> tuple[PolicyLevel, ...]:
    return tuple(
        PolicyLevel(
            tuple(_policy(form, f"$.{name}[{n}][{i}]", f"{name}[{n}][{i}]", pool) for i, form in enumerate(level))
        )
        for n, level in enumerate(given or ())
    )


def _policy(form: PolicyForm, path: str, fallback: str, pool: DocumentPool) -> NamedPolicy:
    """A policy; one without a name goes by its place in the scenario."""
    return NamedPolicy(form.name or fallback, _document(form.document, f"{path}.document", pool))


def _document(given: dict[str, JsonValue] | str, path: str, pool: DocumentPool) -> PolicyDocument:
    document = pool.document(given)
    error = document.error
    if error is not None:
        line = f" (line {error.line} of the document)" if error.line is not None else ""
        raise ScenarioError(f"{error.message}{line}", path=path + error.path.removeprefix("$"))
    return document


def read_scenarios(stream: IO[str] | IO[bytes]) -> Iterator[Scenario | MalformedScenario]:
    """Read scenarios from a stream: one JSON object, an array of them, or objects one after the other.

    The form is recognised by the content. JSON lines, and pretty-printed objects one after the other, are
    read one at a time in constant memory; an array is read whole, up to MAX_ENTRY characters. Whatever cannot
    be understood comes as a MalformedScenario in its place. An empty stream gives nothing.

    Raises:
        OSError: the stream cannot be read.
    """
    pool, read = DocumentPool(), 0
    for entry in entries(stream, longest=MAX_ENTRY):
        read += len(entry.text)
        if len(pool) > _POOL_SIZE or read > _POOL_CHARACTERS:
            pool, read = DocumentPool(), len(entry.text)
        if entry.problem:
            yield MalformedScenario(None, ScenarioError(entry.problem), entry.line)
            continue
        try:
            value = load_json(entry.text, max_characters=MAX_ENTRY)
        except DocumentError as error:
            line = entry.line + (error.line or 1) - 1
            yield MalformedScenario(None, ScenarioError(f"{error.message} (line {line})"), entry.line)
            continue
        for item in value if isinstance(value, list) else [value]:
            yield _scenario_or_error(item, pool, entry.line)


def _scenario_or_error(value: JsonValue, pool: DocumentPool, line: int) -> Scenario | MalformedScenario:
    try:
        return parse_scenario(value, pool)
    except ScenarioError as error:
        given = value.get("id") if isinstance(value, dict) else None
        known = given if isinstance(given, (str, int)) and not isinstance(given, bool) else None
        return MalformedScenario(known, error, line)
