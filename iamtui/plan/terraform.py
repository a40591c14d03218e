"""Plans of Terraform and OpenTofu as `terraform show -json` writes them, read into immutable records.

https://developer.hashicorp.com/terraform/internals/json-format, format_version 0.1 up to 2.

No resource type is known here. What a type gives access to: `workspace.gate.plan_draft`; which calls it makes:
`engine.calls.planned_calls`.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from iamtui.input_files import text_of
from iamtui.policy.document import DocumentError, load_json
from iamtui.policy.json_text import kind_of
from iamtui.problem import Problem
from iamtui.text import safe_text

LARGEST: Final = 64 * 1024 * 1024
"""Bytes of the largest plan that is read."""

_MOST_CHANGES: Final = 50_000
_SHOW: Final = "Write the plan with: terraform show -json FILE."
_ACCOUNT: Final = re.compile(r"arn:[a-z-]+:[^:]*:[^:]*:([0-9]{12}):")
_INDEX: Final = re.compile(r'\[(?:[0-9]+|"(?:[^"\\]|\\.)*")\]')


@dataclass(frozen=True, slots=True)
class PlanProvider:
    """A provider's configuration: whose credentials make its changes, and where.

    Args:
        key: as resources refer to it ("aws", "aws.audit", "module.app:aws").
        region: None if the plan does not tell it.
        assumes: whether it assumes a role before it makes a change.
        role: the ARN of that role; None if there is none or the plan does not tell it.
        account: whose id the plan tells; None for the account of the credentials that the plan is applied with, or,
            with `account_unknown`, for one that the plan does not tell.
        account_unknown: what hides the account ("assume_role"), or "".
    """

    key: str
    region: str | None = None
    assumes: bool = False
    role: str | None = None
    account: str | None = None
    account_unknown: str = ""


@dataclass(frozen=True, slots=True)
class PlanChange:
    """A change of one resource. Its values may be secret, so that they are not in its `repr`.

    Args:
        index: of `count` (a number) or `for_each` (a text).
        actions: of create, read, update, delete, no-op, forget; both create and delete of a replacement.
        before, after: the attributes; empty where the resource is not there.
        after_unknown: the attributes that are not known until apply, as true at their places.
        before_sensitive, after_sensitive: likewise those that Terraform hides.
        importing: whether the resource exists already and is only taken into the state.
        previous_address: where the resource was before it was moved; None if it was not.
        deposed: the key of an object that a replacement left behind; None for all others.
        provider: None for what belongs to no known configuration.
    """

    address: str
    module_address: str
    mode: str
    type: str
    name: str
    index: str | int | None
    provider_name: str
    actions: tuple[str, ...]
    before: Mapping[str, Any] = field(repr=False)
    after: Mapping[str, Any] = field(repr=False)
    after_unknown: Mapping[str, Any] = field(repr=False)
    before_sensitive: Mapping[str, Any] | bool = field(repr=False)
    after_sensitive: Mapping[str, Any] | bool = field(repr=False)
    importing: bool
    previous_address: str | None
    deposed: str | None
    provider: PlanProvider | None

    @property
    def changes(self) -> bool:
        """True if applying it calls AWS to change something."""
        return bool({"create", "update", "delete"}.intersection(self.actions))

    @property
    def replaces(self) -> bool:
        return {"create", "delete"} <= set(self.actions)

    @property
    def configuration_address(self) -> str:
        """The address without indexes, which the configuration has."""
        return _configuration_address(self.module_address, self.mode, self.type, self.name)

    @property
    def account(self) -> str | None:
        """The account that the resource's own ARN names, else the provider's; None if neither tells one."""
        for values in (self.after, self.before):
            found = _ACCOUNT.match(str(values.get("arn", "")))
            if found is not None:
                return found[1]
        return self.provider.account if self.provider is not None else None

    def is_unknown(self, attribute: str) -> bool:
        """True if any part of an attribute is not known until apply."""
        return _any(self.after_unknown.get(attribute))

    def is_sensitive(self, attribute: str) -> bool:
        """True if Terraform hides any part of an attribute, before or after."""
        return any(
            _any(one.get(attribute)) if isinstance(one, Mapping) else one
            for one in (self.before_sensitive, self.after_sensitive)
        )


@dataclass(frozen=True, slots=True)
class TerraformPlan:
    """A plan, read.

    Args:
        references: by a resource's address without indexes and an attribute, what its expression refers to.
        complete: False if Terraform put changes off to a later plan.
        deferred: the addresses of those.
        errored: whether planning failed, so that changes may lack.
        actions: the addresses of actions that are run beside the changes (Terraform 1.14).
    """

    format_version: str
    terraform_version: str
    changes: tuple[PlanChange, ...]
    providers: Mapping[str, PlanProvider]
    references: Mapping[tuple[str, str], tuple[str, ...]]
    complete: bool
    deferred: tuple[str, ...]
    errored: bool
    actions: tuple[str, ...] = ()

    def references_of(self, change: PlanChange, attribute: str) -> tuple[str, ...]:
        """Addresses that an attribute's expression refers to, within the change's module; empty for constants."""
        return self.references.get((change.configuration_address, attribute), ())


def read_plan(data: bytes, subject: str) -> TerraformPlan:
    """The plan in the bytes of a file, UTF-8 or UTF-16 (which PowerShell writes).

    Args:
        subject: what a sentence calls it ("The plan plan.json").

    Raises:
        Problem: it is no plan, or one of a format that is not read.
    """
    value = _json(data, subject)
    if not isinstance(value, dict):
        raise Problem(f"{subject} is {kind_of(value)}, and a plan is an object.", _SHOW)
    version = value.get("format_version")
    if not isinstance(version, str) or not re.fullmatch(r"[0-9]{1,4}\.[0-9]{1,4}", version):
        raise Problem(f'{subject} is no plan: it has no "format_version".', _SHOW)
    if version.partition(".")[0] not in ("0", "1"):
        raise Problem(
            f"{subject} has format {version}, and formats up to 2 are read.",
            "Write it with an older Terraform, or upgrade iamtui.",
        )
    if "resource_changes" not in value and "planned_values" not in value:
        raise Problem(f"{subject} has no changes: it is a state or another output of Terraform, not a plan.", _SHOW)
    configuration = _object(value, "configuration", subject)
    providers = {
        key: _provider(key, one)
        for key, one in _object(configuration, "provider_config", subject).items()
        if isinstance(one, dict)
    }
    references: dict[tuple[str, str], tuple[str, ...]] = {}
    provider_keys: dict[str, str] = {}
    for address, resource in _configured(_object(configuration, "root_module", subject), ""):
        provider_keys[address] = str(resource.get("provider_config_key", ""))
        expressions = resource.get("expressions")
        for name, expression in expressions.items() if isinstance(expressions, dict) else ():
            if found := tuple(dict.fromkeys(_references(expression))):
                references[address, name] = found
    listed = value.get("resource_changes")
    listed = [] if listed is None else listed
    if not isinstance(listed, list):
        raise Problem(f"{subject}: resource_changes is {kind_of(listed)}, expected a list.", _SHOW)
    if len(listed) > _MOST_CHANGES:
        raise Problem(f"{subject} has {len(listed):,} changes, more than the {_MOST_CHANGES:,} that are read.", _SHOW)
    deferred = value.get("deferred_changes") or []
    return TerraformPlan(
        format_version=version,
        terraform_version=str(value.get("terraform_version", "")),
        changes=tuple(
            _change(one, f"{subject}: resource_changes[{place}]", provider_keys, providers)
            for place, one in enumerate(listed)
        ),
        providers=providers,
        references=references,
        complete=value.get("complete", True) is not False and not deferred,
        deferred=tuple(_deferred(deferred)),
        errored=value.get("errored", False) is not False,
        actions=tuple(_addresses(value.get("action_invocations"))),
    )


def _json(data: bytes, subject: str) -> Any:
    if data.startswith(b"PK\x03\x04"):
        raise Problem(f"{subject} is a plan in Terraform's own form, which is not read.", _SHOW)
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        try:
            text = data.decode("utf-16")
        except UnicodeDecodeError as error:
            raise Problem(f"{subject} is not UTF-16 text (byte {error.start + 1:,}).", _SHOW) from None
    else:
        text = text_of(data, subject)
    if '"@level"' in text[:200]:
        raise Problem(f"{subject} is the log of terraform plan -json, not a plan.", _SHOW)
    try:
        return load_json(text, max_characters=LARGEST)
    except DocumentError as error:
        at = f" (line {error.line})" if error.line else ""
        raise Problem(f"{subject} cannot be read: {safe_text(error.message)}{at}.", _SHOW) from None


def _object(holder: Mapping[str, Any], key: str, subject: str) -> dict[str, Any]:
    found = holder.get(key)
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise Problem(f"{subject}: {key} is {kind_of(found)}, expected an object.", _SHOW)
    return found


def _change(
    value: Any, where: str, provider_keys: Mapping[str, str], providers: Mapping[str, PlanProvider]
) -> PlanChange:
    if not isinstance(value, dict):
        raise Problem(f"{where} is {kind_of(value)}, expected an object.", _SHOW)
    texts: dict[str, str] = {}
    for key in ("address", "type", "name"):
        if not isinstance(found := value.get(key), str) or not found:
            raise Problem(f"{where}.{key} is {kind_of(found)}, expected a text.", _SHOW)
        texts[key] = found
    change = _object(value, "change", where)
    actions = change.get("actions")
    if not isinstance(actions, list) or not actions or not all(isinstance(one, str) for one in actions):
        raise Problem(f"{where}.change.actions is {kind_of(actions)}, expected a list of texts.", _SHOW)
    module = str(value.get("module_address") or "")
    mode = str(value.get("mode") or "managed")
    key = provider_keys.get(_configuration_address(module, mode, texts["type"], texts["name"]), "")
    index = value.get("index")
    after_unknown = change.get("after_unknown")
    return PlanChange(
        **texts,
        module_address=module,
        mode=mode,
        index=index if type(index) in (str, int) else None,
        provider_name=str(value.get("provider_name") or ""),
        actions=tuple(actions),
        before=_object(change, "before", where),
        after=_object(change, "after", where),
        after_unknown=after_unknown if isinstance(after_unknown, dict) else {},
        before_sensitive=_marks(change.get("before_sensitive")),
        after_sensitive=_marks(change.get("after_sensitive")),
        importing=change.get("importing") is not None,
        previous_address=_text(value.get("previous_address")),
        deposed=_text(value.get("deposed")),
        # A provider without an entry has no settings of its own, unless the resource itself is not configured.
        provider=providers.get(key) or (PlanProvider(key) if key else None),
    )


def _configuration_address(module: str, mode: str, kind: str, name: str) -> str:
    parts = (_INDEX.sub("", module), "data" if mode == "data" else "", kind, name)
    return ".".join(filter(None, parts))


def _configured(module: Mapping[str, Any], path: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The resources of a module and those of the modules that it calls, by address without indexes."""
    resources = module.get("resources")
    for one in resources if isinstance(resources, list) else ():
        if isinstance(one, dict) and isinstance(one.get("address"), str):
            yield f"{path}{one['address']}", one
    calls = module.get("module_calls")
    for name, call in calls.items() if isinstance(calls, dict) else ():
        called = call.get("module") if isinstance(call, dict) else None
        if isinstance(called, dict):
            yield from _configured(called, f"{path}module.{name}.")


def _references(expression: Any) -> Iterator[str]:
    if isinstance(expression, list):
        for one in expression:
            yield from _references(one)
    elif isinstance(expression, dict):
        found = expression.get("references")
        if isinstance(found, list) and all(isinstance(one, str) for one in found):
            yield from found
            return
        for name, one in expression.items():
            if name != "constant_value":
                yield from _references(one)


def _provider(key: str, value: Mapping[str, Any]) -> PlanProvider:
    expressions = value.get("expressions")
    settings: Mapping[str, Any] = expressions if isinstance(expressions, dict) else {}
    blocks = [
        (name, one)
        for name in ("assume_role", "assume_role_with_web_identity")
        for one in (settings[name] if isinstance(settings.get(name), list) else [settings.get(name)])
        if one
    ]
    # Roles of a chain are assumed one after another: the last one makes the changes.
    role = None
    if blocks and isinstance(blocks[-1][1], dict):
        role = _constant(blocks[-1][1].get("role_arn"))
    allowed = settings.get("allowed_account_ids")
    only = allowed.get("constant_value") if isinstance(allowed, dict) else None
    account = None
    if role is not None and (found := _ACCOUNT.match(role)):
        account = found[1]
    elif isinstance(only, list) and len(only) == 1:
        account = str(only[0])
    hiding = [name for name, _ in blocks] + [name for name in ("profile", "access_key") if settings.get(name)]
    return PlanProvider(
        key,
        region=_constant(settings.get("region")),
        assumes=bool(blocks),
        role=role,
        account=account,
        account_unknown=hiding[0] if hiding and account is None else "",
    )


def _constant(expression: Any) -> str | None:
    """The text that an expression is; None for one that refers to anything.

    A reference is no value, even where the plan has the variable's: functions around it do not show in the plan.
    """
    found = expression.get("constant_value") if isinstance(expression, dict) else None
    return found if isinstance(found, str) and found else None


def _deferred(value: Any) -> Iterator[str]:
    for one in value if isinstance(value, list) else ():
        change = one.get("resource_change") if isinstance(one, dict) else None
        yield str(change.get("address", "")) if isinstance(change, dict) else ""


def _addresses(value: Any) -> Iterator[str]:
    for one in value if isinstance(value, list) else ():
        yield str(one.get("address", "")) if isinstance(one, dict) else ""


def _any(mark: Any) -> bool:
    if isinstance(mark, dict):
        return any(map(_any, mark.values()))
    return any(map(_any, mark)) if isinstance(mark, list) else mark is True


def _marks(value: Any) -> Mapping[str, Any] | bool:
    return value if isinstance(value, dict) else value is True


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None
