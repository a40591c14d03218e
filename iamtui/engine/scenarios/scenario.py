"""Scenarios: a request and the policies in force as JSON, without an account.

The `simulate` command reads them with `read_scenarios`, evaluates each `Scenario` and compares the outcome
with `expect`; a `MalformedScenario` keeps its place in the output (`as_json`).
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Annotated, Any, Final, Literal, get_type_hints

import msgspec
from msgspec import Meta, Struct, structs

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
from iamtui.engine.service_rules import scope_down_problem
from iamtui.policy.document import DocumentError, DocumentPool, JsonValue, PolicyDocument, load_json
from iamtui.policy.json_text import brackets_of, kind_of, scalar_text
from iamtui.policy.patterns import is_account_id, parse_arn
from iamtui.problem import Problem
from iamtui.text import safe_text
from iamtui.typed_json import prepared

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


class ScenarioError(Problem):
    """A scenario cannot be understood.

    Args:
        message: what was found and what was expected, without the path.
        path: where in the scenario, as `$.identity_policies[0].document.Statement[0].Effect`.
    """

    def __init__(self, message: str, *, path: str = "$") -> None:
        super().__init__(f"{path}: {message}.")
        self.message = message
        self.path = path


def _described(text: str) -> Meta:
    return Meta(description=text)


Document = Annotated[dict[str, Any] | str, _described("a policy document: an object, or its JSON text")]
Names = Annotated[list[str] | None, _described("a list of condition key names")]
Flag = Annotated[bool | None, _described("true, false or null")]


class PrincipalForm(Struct, forbid_unknown_fields=True):
    """A caller that has no ARN."""

    type: Annotated[Literal["Anonymous", "Federated"], _described('"Anonymous" or "Federated"')]
    provider: Annotated[str | None, _described("the ARN or host of the identity provider")] = None


class RequestForm(Struct, forbid_unknown_fields=True):
    """Who asks for what."""

    principal: Annotated[
        str | PrincipalForm,
        _described('an ARN, a service name, {"type": "Anonymous"} or {"type": "Federated", "provider": "..."}'),
    ]
    action: Annotated[str, _described("one action, as service:Operation")]
    resource: Annotated[str, _described('an ARN, an ARN pattern with *, or "*"')]
    credentials: Annotated[Literal["long_term", "temporary"] | None, _described('"long_term", "temporary" or null')] = (
        None
    )
    issuer: Annotated[str | None, _described("the ARN of the user behind a federated-user session, or null")] = None
    resource_account: Annotated[str | None, _described("the 12-digit account that owns the resource, or null")] = None
    context: Annotated[
        dict[str, Any] | None,
        _described("an object of condition keys, each with a text, number or boolean, or a list of these"),
    ] = None
    known_absent: Annotated[
        list[str] | None, _described("a list of condition key names, in which a * stands for any text")
    ] = None
    any_value: Names = None
    wildcard_only_action: Flag = None
    resource_exists: Annotated[
        bool | None, _described("false: the resource is known not to exist; true or null: it may")
    ] = None


class PolicyForm(Struct, forbid_unknown_fields=True):
    """A policy document under a name."""

    document: Document
    name: Annotated[
        Annotated[str, Meta(max_length=512)] | None,
        _described("the policy's name, of at most 512 characters"),
    ] = None


class S3Form(Struct, forbid_unknown_fields=True):
    """S3 Block Public Access."""

    restrict_public_buckets: Flag = None
    public_policy: Annotated[
        bool | None, _described("whether the bucket policy counts as public; null: it is judged")
    ] = None


class SettingsForm(Struct, forbid_unknown_fields=True):
    """Facts beside the policies."""

    principal_in_management_account: Flag = None
    resource_in_management_account: Flag = None
    principal_in_iam_delegated_administrator: Annotated[
        bool | None,
        _described("whether the caller's account is a delegated administrator for IAM; null: it is not known"),
    ] = None
    users_may_change_password: Flag = None
    principal_delegated_services: Annotated[
        list[Annotated[str, Meta(max_length=128)]] | None,
        _described("services of which the caller's account is a delegated administrator"),
    ] = None
    s3: Annotated[S3Form | None, _described("the S3 Block Public Access settings")] = None


Policies = Annotated[list[PolicyForm] | None, _described('a list of {"name": ..., "document": ...}')]
Levels = Annotated[
    list[list[PolicyForm]] | None,
    _described('a list of levels from the root, each a list of {"name": ..., "document": ...}'),
]


class ScenarioForm(Struct, forbid_unknown_fields=True):
    """One request and the policies in force."""

    request: Annotated[RequestForm, _described("an object with principal, action and resource")]
    id: Annotated[str | int | None, _described("a text or whole number that names this scenario")] = None
    expect: Annotated[
        Literal["allowed", "denied", "explicitDeny", "implicitDeny", "depends"] | None,
        _described('"allowed", "denied", "explicitDeny", "implicitDeny", "depends" or null'),
    ] = None
    mode: Annotated[Literal["strict", "discover"] | None, _described('"strict", "discover" or null')] = None
    identity_policies: Policies = None
    permissions_boundaries: Policies = None
    session_policies: Policies = None
    scope_down_policies: Policies = None
    resource_policy: Annotated[
        dict[str, Any] | str | None, _described("the policy document of the resource: an object, or its JSON text")
    ] = None
    scps: Levels = None
    rcps: Levels = None
    vpc_endpoint_policies: Policies = None
    settings: Annotated[SettingsForm | None, _described("an object of settings")] = None
    options: Annotated[dict[str, Any] | None, _described("an object of engine options")] = None


OPTION_NAMES: Final = EngineOptions.__struct_fields__
"""The engine options; each is true or false."""


def to_form(value: JsonValue) -> ScenarioForm:
    """Check the shape of a decoded scenario.

    Raises:
        ScenarioError: a key is missing or unknown, or a value has the wrong type; the path says which.
    """
    if not isinstance(value, dict):
        raise ScenarioError(f"expected an object with a request, found {kind_of(value)}")
    try:
        return msgspec.convert(value, prepared(ScenarioForm))
    except msgspec.ValidationError as error:
        raise _explained(str(error), value) from None
    except UnicodeEncodeError:
        # msgspec compares keys as UTF-8, in which half of a surrogate pair cannot be written.
        raise ScenarioError("a key or a value has half of a surrogate pair, expected whole characters") from None


_AT: Final = re.compile(r"(.*?)(?: - at (?:`key` in )?`(\$.*)`)?", re.DOTALL)
_MISSING: Final = re.compile(r"Object missing required field `(.*)`", re.DOTALL)
_UNKNOWN: Final = re.compile(r"Object contains unknown field `(.*)`", re.DOTALL)
_STEP: Final = re.compile(r"\.([A-Za-z_0-9]+)|\[(\d+)\]")


def _explained(message: str, value: JsonValue) -> ScenarioError:
    """Turn msgspec's message into ours, which names what was expected and the nearest known key."""
    match = _AT.fullmatch(message)
    what, path = (match[1], match[2] or "$") if match else (message, "$")
    form, meaning, found = _follow(path, value)
    if missing := _MISSING.fullmatch(what):
        key = missing[1]
        hint = ""
        if form is PolicyForm and isinstance(found, dict) and "Statement" in found:
            hint = '; a bare document goes into {"name": "...", "document": {...}}'
        return ScenarioError(f"missing, expected {_meaning(form, key)}{hint}", path=f"{path}.{key}")
    if unknown := _UNKNOWN.fullmatch(what):
        key = unknown[1]
        if form is PolicyForm and isinstance(found, dict) and "Statement" in found:
            return ScenarioError(
                'a bare policy document, expected {"name": "...", "document": {...}} around it', path=path
            )
        known = form.__struct_fields__ if form is not None else ()
        return ScenarioError(f"unknown key, {_nearest(key, known)}", path=f"{path}{step(key)}")
    return ScenarioError(f"found {kind_of(found)}, expected {meaning}", path=path)


def _follow(path: str, value: JsonValue) -> tuple[type[Struct] | None, str, JsonValue]:
    """Walk a path: the form of the object there (if it is one), what is expected there, and what is there."""
    form: type[Struct] | None = ScenarioForm
    expected: Any = ScenarioForm
    meaning = "a scenario"
    found = value
    for name, index in _STEP.findall(path):
        if name and form is not None:
            expected = get_type_hints(form, include_extras=True).get(name)
            meaning = _description(expected) or meaning
            found = found.get(name) if isinstance(found, dict) else None
        elif index:
            expected = _item(expected)
            meaning = 'an object {"name": ..., "document": ...}' if _struct(expected) else _of_item(expected)
            found = found[int(index)] if isinstance(found, list) and int(index) < len(found) else None
        form = _struct(expected)
    return form, meaning, found


def _description(hint: Any) -> str:
    return next((m.description or "" for m in getattr(hint, "__metadata__", ()) if isinstance(m, Meta)), "")


def _meaning(form: type[Struct] | None, key: str) -> str:
    return _description(get_type_hints(form, include_extras=True).get(key)) if form is not None else "a value"


def _options_of(hint: Any) -> tuple[Any, ...]:
    """The members of a union, or the type itself, without its annotations."""
    bare = getattr(hint, "__origin__", hint) if hasattr(hint, "__metadata__") else hint
    args = getattr(bare, "__args__", ())
    return tuple(args) if getattr(bare, "__origin__", None) is None and args else (bare,)


def _item(hint: Any) -> Any:
    for option in _options_of(hint):
        if getattr(option, "__origin__", None) is list:
            return option.__args__[0]
    return None


def _of_item(hint: Any) -> str:
    if hint is str:
        return "a text"
    return 'a list of {"name": ..., "document": ...}'


def _struct(hint: Any) -> type[Struct] | None:
    for option in _options_of(hint):
        if isinstance(option, type) and issubclass(option, Struct):
            return option
    return None


def step(key: str) -> str:
    """One step of a path: `.name` for a plain name, else `["the key"]`."""
    return f".{key}" if re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", key) else f"[{json.dumps(key)}]"


def _nearest(name: str, known: tuple[str, ...]) -> str:
    close = difflib.get_close_matches(name.lower(), known, n=1, cutoff=0.5)
    return f'did you mean "{close[0]}"' if close else "expected one of " + ", ".join(sorted(known))


def engine_options(value: dict[str, JsonValue] | None) -> EngineOptions:
    """Check the options of a scenario; null means the default.

    Raises:
        ScenarioError: an unknown name or a value of the wrong type.
    """
    chosen: dict[str, Any] = {}
    for name, setting in (value or {}).items():
        path = f"$.options{step(name)}"
        if name not in OPTION_NAMES:
            raise ScenarioError(f"unknown option, {_nearest(name, OPTION_NAMES)}", path=path)
        if setting is None:
            continue
        if not isinstance(setting, bool):
            raise ScenarioError(f"found {kind_of(setting)}, expected true or false", path=path)
        chosen[name] = setting
    return EngineOptions(**chosen)


def scenario_schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of one scenario."""
    schema = msgspec.json.schema(ScenarioForm)
    scalar = {"type": ["string", "number", "boolean"]}
    schema["$defs"]["RequestForm"]["properties"]["context"]["anyOf"] = [
        {
            "type": "object",
            "additionalProperties": {"anyOf": [scalar, {"type": "array", "items": scalar}]},
        },
        {"type": "null"},
    ]
    options = {
        field.name: {"type": ["boolean", "null"], "default": field.default} for field in structs.fields(EngineOptions)
    }
    schema["$defs"]["ScenarioForm"]["properties"]["options"]["anyOf"] = [
        {"type": "object", "properties": options, "additionalProperties": False},
        {"type": "null"},
    ]
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "iamtui scenario", **schema}
