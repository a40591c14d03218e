"""The draft of a Terraform plan: its changes of users, groups, roles and policies as edits of the account.

One more resource type: `_RESOURCE_TYPES`; one with a resource policy: `resource_policy_services`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeAlias

from iamtui.account.model import Account
from iamtui.drafts.draft import Draft, DraftProblem, Edit
from iamtui.drafts.edits.deletions import DeletePolicy, DeleteRole, DeleteUser
from iamtui.drafts.edits.policies import (
    DeleteInlinePolicy,
    DeleteResourcePolicy,
    PutInlinePolicy,
    PutManagedPolicy,
    PutResourcePolicy,
)
from iamtui.drafts.edits.principals import (
    AddUserToGroup,
    AttachPolicy,
    CreateRole,
    DeletePermissionsBoundary,
    DetachPolicy,
    PutPermissionsBoundary,
    RemoveUserFromGroup,
    Tag,
    UpdateTrustPolicy,
)
from iamtui.input_files import read_document
from iamtui.plan.terraform import LARGEST, PlanChange, TerraformPlan, read_plan
from iamtui.policy.document import DocumentError, load_json
from iamtui.resource_policy_services import SERVICE_SPECS
from iamtui.text import counted, first_names, safe_text
from iamtui.workspace.change.draft_session import DraftedAccount, apply, with_edited_resources
from iamtui.workspace.source.workspace import Workspace

_MOST_NAMED: Final = 4

Fact: TypeAlias = tuple[str, ...]
"""What a plan sets: a kind ("role", "policy", "attached", "inline", "boundary", "member", "resource"), and of what."""


class NotCompared(NamedTuple):
    """A change, or a part of one, that the draft leaves out.

    Args:
        reason: a phrase that follows the address, raw.
        opens: whether it may give somebody access.
    """

    address: str
    reason: str
    opens: bool = True


class Recovered(NamedTuple):
    """A value that is not known until apply, taken from what the configuration refers to."""

    address: str
    attribute: str
    value: str
    reference: str


@dataclass(frozen=True, slots=True)
class PlanDraft:
    """A plan as a draft.

    Args:
        drafted: the account with the edits that fit it.
        addresses: of the resource that each edit is from.
        recovered: values that the edits rest on, and that the plan itself does not tell.
        elsewhere: the addresses of changes in other accounts, by account; of an account that the plan does not tell
            under "".
    """

    drafted: DraftedAccount
    addresses: tuple[str, ...]
    not_compared: tuple[NotCompared, ...]
    recovered: tuple[Recovered, ...]
    elsewhere: Mapping[str, tuple[str, ...]]


def plan_draft(workspace: Workspace, plan: TerraformPlan) -> PlanDraft:
    """The changes of a plan in the account that is open, as a draft laid over it.

    Blocking: policies of resources that the plan replaces are loaded where they are not.
    """
    reader = _PlanReader(workspace.account, plan)
    made = reader.edits()
    while True:
        draft = Draft(workspace.account.id, "plan", tuple(edit for edit, _ in made))
        drafted = apply(with_edited_resources(workspace, draft), draft)
        if not drafted.problems:
            break
        # Edits that do not fit are named one by one, so that the others are compared.
        at_fault = {problem.number - 1: problem for problem in drafted.problems}
        reader.not_compared += [_misfit(address, at_fault[n]) for n, (_, address) in enumerate(made) if n in at_fault]
        made = [one for number, one in enumerate(made) if number not in at_fault]
    return PlanDraft(
        drafted,
        tuple(address for _, address in made),
        tuple(dict.fromkeys(reader.not_compared)),
        tuple(dict.fromkeys(reader.recovered)),
        {account: tuple(addresses) for account, addresses in reader.elsewhere.items()},
    )


class PlanGap(NamedTuple):
    """What a draft of a plan leaves out beside the changes that are not compared.

    Args:
        code: "elsewhere" or "incomplete".
        address: of the first resource, or "".
    """

    code: str
    address: str
    words: str


def gaps_of(plan: TerraformPlan, made: PlanDraft) -> Iterator[PlanGap]:
    """Changes of other accounts, and those that the plan itself lacks."""
    for other, addresses in made.elsewhere.items():
        where = f"account {other}" if other else "an account that the plan does not tell"
        words = f"{counted(len(addresses), 'change')} in {where}: {first_names(addresses, _MOST_NAMED)}"
        yield PlanGap("elsewhere", addresses[0], words)
    if plan.errored:
        yield PlanGap("incomplete", "", "the plan ended with an error: changes may lack")
    if not plan.complete:
        words = f"the plan is not complete: {first_names(plan.deferred, _MOST_NAMED) or 'changes were put off'}"
        yield PlanGap("incomplete", "", words)


def open_plan(workspace: Workspace, path: Path) -> tuple[Draft, tuple[str, ...]]:
    """The plan in a file as a draft of the account that is open, and a phrase about each thing that is not in it.

    Blocking, as `plan_draft`.

    Raises:
        Problem: the file cannot be read, or holds no plan.
    """
    subject = f"The plan {safe_text(path)}"
    plan = read_plan(read_document(path, subject, most=LARGEST), subject)
    made = plan_draft(workspace, plan)
    left_out = [f"{one.address} {one.reason}" for one in made.not_compared]
    left_out += [gap.words for gap in gaps_of(plan, made)]
    left_out += [
        f"the final {one.attribute} of {one.address}, taken to be {one.value} from {one.reference}"
        for one in made.recovered
    ]
    left_out += [f"what the action {action} does" for action in plan.actions]
    return made.drafted.draft.named(path.name), tuple(left_out)


def _misfit(address: str, problem: DraftProblem) -> NotCompared:
    return NotCompared(address, f"does not fit the account as loaded: {problem.sentence}")


class _UnknownValue(Exception):
    """An attribute that is not known until apply, and cannot be recovered."""

    def __init__(self, attribute: str) -> None:
        super().__init__(attribute)
        self.attribute = attribute


_UNKNOWN: Final = object()
"""Value of a fact whose value is not known until apply."""


@dataclass
class _PlanReader:
    """Facts of a plan before and after it, and the edits between them."""

    account: Account
    plan: TerraformPlan
    not_compared: list[NotCompared] = field(default_factory=list)
    recovered: list[Recovered] = field(default_factory=list)
    elsewhere: dict[str, list[str]] = field(default_factory=dict)

    def edits(self) -> list[tuple[Edit, str]]:
        """The edits in an order in which they can be made, each with the address that it is from."""
        before: dict[Fact, Any] = {}
        after: dict[Fact, Any] = {}
        sources: dict[Fact, str] = {}
        for change in self.plan.changes:
            if change.mode != "managed" or not change.changes or not self._is_here(change):
                continue
            sides = self._facts_of(change)
            before.update(sides[0])
            for fact, value in sides[1].items():
                known = after.get(fact, _UNKNOWN)
                if value is _UNKNOWN or known in (_UNKNOWN, value):
                    after[fact] = value if known is _UNKNOWN else known
                else:
                    reason = f"says otherwise of {' '.join(fact[1:])} than {sources[fact]} does"
                    self.not_compared.append(NotCompared(change.address, reason))
            sources.update(dict.fromkeys((*sides[0], *sides[1]), change.address))
            if change.replaces and change.type in ("aws_iam_role", "aws_iam_user"):
                self.not_compared.append(NotCompared(change.address, "is made anew, with another unique id"))
        for fact in before.keys() & after.keys():
            if fact[0] == "tags" and before[fact] != after[fact]:
                self.not_compared.append(NotCompared(sources[fact], "changes tags, which conditions may read"))
        made = [*self._puts(before, after), *self._deletions(before, after)]
        return [(edit, sources[fact]) for fact, edit in made]

    def _facts_of(self, change: PlanChange) -> tuple[dict[Fact, Any], dict[Fact, Any]]:
        """The facts of a change before and after it; none of one that is not compared, which is noted."""
        sides: tuple[dict[Fact, Any], dict[Fact, Any]] = ({}, {})
        facts = _RESOURCE_TYPES.get(change.type)
        if facts is None:
            if change.type not in _WITHOUT_ACCESS and self._may_matter(change):
                self.not_compared.append(NotCompared(change.address, "is of a type that is not compared"))
            return sides
        try:
            for side, known in zip(("before", "after"), sides, strict=True):
                values = _Values(self, change, side)
                known.update(facts(values) if values.there or change.type.endswith("_exclusive") else ())
        except _UnknownValue as unknown:
            reason = f"has a value that is not known until apply: {unknown.attribute}"
            self.not_compared.append(NotCompared(change.address, reason))
            return {}, {}
        return sides

    def _is_here(self, change: PlanChange) -> bool:
        """True if the change is in the account that is open; it is noted where it is not."""
        account = change.account
        hidden = change.provider is not None and change.provider.account_unknown
        if account == self.account.id or (account is None and not hidden):
            return True
        self.elsewhere.setdefault(account or "", []).append(change.address)
        return False

    @staticmethod
    def _may_matter(change: PlanChange) -> bool:
        """True if a type that is not known here may say who has access: by its name, or by a policy that it has."""
        if _OF_ACCESS.search(change.type):
            return True
        unknown = any(name in _POLICY_ATTRIBUTES and change.is_unknown(name) for name in change.after_unknown)
        return unknown or [*_policies(change.before)] != [*_policies(change.after)]

    def _puts(self, before: Mapping[Fact, Any], after: Mapping[Fact, Any]) -> Iterator[tuple[Fact, Edit]]:
        new = {fact: one for fact, one in after.items() if one is not _UNKNOWN and before.get(fact, _UNKNOWN) != one}
        for kind in ("policy", "role", "boundary", "inline", "attached", "member", "resource"):
            for fact in (one for one in new if one[0] == kind):
                _, arn, *rest = fact
                if kind == "role" and fact not in before and self.account.by_arn(arn) is None:
                    tags = after.get(("tags", arn), ())
                    yield fact, CreateRole(arn, new[fact], tuple(Tag(*tag) for tag in tags))
                elif kind == "attached":
                    yield fact, AttachPolicy(arn, rest[0])
                elif kind == "member":
                    yield fact, AddUserToGroup(arn, rest[0])
                else:
                    yield fact, _PUTS[kind](arn, *rest, new[fact])

    def _deletions(self, before: Mapping[Fact, Any], after: Mapping[Fact, Any]) -> Iterator[tuple[Fact, Edit]]:
        gone = {fact[1] for fact in before if fact[0] in ("role", "user") and fact not in after}
        for kind, edit in _DELETIONS.items():
            for fact in before:
                if fact[0] == kind and fact not in after and (kind in ("role", "user") or fact[1] not in gone):
                    yield fact, edit(*fact[1:])

    def arn_of(self, kind: str, name: str) -> str:
        """The ARN of a user, group or role of this name: as the account has it, or as the plan makes it."""
        if name.startswith("arn:"):
            return name
        account = self.account
        found = {"role": account.role, "user": account.user, "group": account.group}[kind](name)
        if found is not None:
            return found.arn
        made = (one.after.get("path") for one in self.plan.changes if one.after.get("name") == name)
        path = next((path for path in made if isinstance(path, str)), "/")
        return f"arn:{account.partition}:iam::{account.id}:{kind}{path}{name}"

    def target(self, change: PlanChange, attribute: str) -> tuple[PlanChange, str, str] | None:
        """The one resource of the plan that an attribute refers to, its attribute, and the reference.

        None where it refers to anything else besides, or where it is not certain which instance is meant.
        """
        references = self.plan.references_of(change, attribute)
        resources = [one for one in references if one not in ("each.key", "count.index")]
        matches = [match for match in map(_REFERENCE.fullmatch, resources) if match is not None]
        if len(matches) < len(resources) or len({(one["type"], one["name"]) for one in matches}) != 1:
            return None
        longest = max(matches, key=lambda one: len(one[0]))
        wanted = longest["attribute"] or ("arn" if attribute.endswith(("arn", "boundary")) else "id")
        meant = (change.module_address, longest["type"], longest["name"], "managed", None)
        same = [
            one for one in self.plan.changes if (one.module_address, one.type, one.name, one.mode, one.deposed) == meant
        ]
        if len(same) > 1:
            index = change.index if len(resources) < len(references) else None
            if written := longest["index"]:
                index = int(written) if written.isdigit() else written.strip('"')
            same = [one for one in same if index is not None and one.index == index]
        return (same[0], wanted, longest[0]) if len(same) == 1 else None


_PUTS: Final[Mapping[str, Callable[..., Edit]]] = {
    "policy": PutManagedPolicy,
    "role": UpdateTrustPolicy,
    "boundary": PutPermissionsBoundary,
    "inline": PutInlinePolicy,
    "resource": PutResourcePolicy,
}
"""Edits that set what a fact says, made from its parts and its value."""

_DELETIONS: Final[Mapping[str, Callable[..., Edit]]] = {
    "attached": DetachPolicy,
    "inline": DeleteInlinePolicy,
    "boundary": DeletePermissionsBoundary,
    "member": RemoveUserFromGroup,
    "resource": DeleteResourcePolicy,
    "policy": DeletePolicy,
    "role": DeleteRole,
    "user": DeleteUser,
}
"""Edits that take away what a fact says, in an order in which they can be made."""

_REFERENCE: Final = re.compile(
    r'(?P<type>aws_[a-z0-9_]+)\.(?P<name>[A-Za-z0-9_-]+)(?:\[(?P<index>[0-9]+|"[^"]*")\])?(?:\.(?P<attribute>[a-z_]+))?'
)


@dataclass(frozen=True, slots=True)
class _Values:
    """Attributes of a change as they are before, or as they will be after it."""

    reader: _PlanReader
    change: PlanChange
    side: str

    @property
    def there(self) -> Mapping[str, Any]:
        """The attributes; empty where the resource is not there."""
        actions = self.change.actions
        if self.side == "before":
            # What is made anew and forgotten stays as it is beside the new one.
            return {} if "create" in actions and "delete" not in actions else self.change.before
        return {} if actions == ("delete",) else self.change.after

    def get(self, name: str) -> Any:
        """An attribute; None where there is none.

        Raises:
            _UnknownValue: it is not known until apply.
        """
        if self.side == "after" and self.change.is_unknown(name):
            raise _UnknownValue(name)
        return self.there.get(name)

    def text(self, name: str) -> str:
        """A text, taken from what the configuration refers to where it is not known until apply.

        Raises:
            _UnknownValue: it is not known, or empty.
        """
        if self.side == "after" and self.change.is_unknown(name):
            return self._recovered(name)
        value = self.there.get(name)
        if not isinstance(value, str) or not value:
            raise _UnknownValue(name)
        return value

    def document(self, name: str) -> Any:
        """A policy document; `_UNKNOWN` where it is not known until apply, which changes nothing else."""
        if self.side == "after" and self.change.is_unknown(name):
            self.reader.not_compared.append(
                NotCompared(self.change.address, f"has a value that is not known until apply: {name}")
            )
            return _UNKNOWN
        value = self.there.get(name)
        return canonical(value) if isinstance(value, str) and value else None

    def _recovered(self, name: str) -> str:
        found = self.reader.target(self.change, name)
        if found is None:
            raise _UnknownValue(name)
        target, attribute, reference = found
        values = target.after
        value = values.get(attribute)
        if not isinstance(value, str):
            value = _identifier(self.reader, target, attribute)
        if not value:
            raise _UnknownValue(name)
        self.reader.recovered.append(Recovered(self.change.address, name, value, reference))
        return value


def _identifier(reader: _PlanReader, target: PlanChange, attribute: str) -> str:
    """What AWS will call a resource that the plan makes, as far as its own attributes tell; "" otherwise."""
    values = target.after
    name = values.get("bucket" if target.type == "aws_s3_bucket" else "name")
    if not isinstance(name, str):
        return ""
    account = reader.account
    iam = f"arn:{account.partition}:iam::{account.id}"
    region = (target.provider.region if target.provider is not None else None) or account_region(values)
    match target.type, attribute:
        case "aws_iam_policy", ("arn" | "id"):
            return f"{iam}:policy{values.get('path') or '/'}{name}"
        case (("aws_iam_role" | "aws_iam_user" | "aws_iam_group"), "arn"):
            return f"{iam}:{target.type.removeprefix('aws_iam_')}{values.get('path') or '/'}{name}"
        case (("aws_iam_role" | "aws_iam_user" | "aws_iam_group"), ("id" | "name")):
            return name
        case "aws_s3_bucket", ("id" | "bucket"):
            return name
        case "aws_s3_bucket", "arn":
            return f"arn:{account.partition}:s3:::{name}"
        case "aws_sqs_queue", "arn" if region:
            return f"arn:{account.partition}:sqs:{region}:{account.id}:{name}"
        case "aws_sqs_queue", ("id" | "url") if region:
            return f"https://sqs.{region}.amazonaws.com/{account.id}/{name}"
        case "aws_sns_topic", ("arn" | "id") if region:
            return f"arn:{account.partition}:sns:{region}:{account.id}:{name}"
        case "aws_ecr_repository", ("id" | "name"):
            return name
    return ""


def account_region(values: Mapping[str, Any]) -> str:
    """The Region that a resource names itself (since version 6 of the provider); "" otherwise."""
    region = values.get("region")
    return region if isinstance(region, str) else ""


def canonical(text: str) -> str:
    """The text of a document written in one way, so that spaces and the order of keys are no change."""
    try:
        return json.dumps(load_json(text), sort_keys=True, ensure_ascii=False)
    except DocumentError:
        return text


# The facts of each type.

Facts: TypeAlias = Callable[[_Values], Iterator[tuple[Fact, Any]]]


def _entity(kind: str, values: _Values) -> str:
    """The ARN of a user, group or role that the change itself is about."""
    arn = values.there.get("arn")
    if isinstance(arn, str) and arn:
        return arn
    path = values.get("path") or "/"
    account = values.reader.account
    return f"arn:{account.partition}:iam::{account.id}:{kind}{path}{values.text('name')}"


def _tags(arn: str, values: _Values) -> Iterator[tuple[Fact, Any]]:
    name = "tags_all" if values.there.get("tags_all") or values.change.is_unknown("tags_all") else "tags"
    tags = values.get(name) or {}
    yield ("tags", arn), tuple(sorted((str(key), str(value)) for key, value in tags.items()))


def _bound(arn: str, values: _Values) -> Iterator[tuple[Fact, Any]]:
    if (values.side == "after" and values.change.is_unknown("permissions_boundary")) or values.there.get(
        "permissions_boundary"
    ):
        yield ("boundary", arn), values.text("permissions_boundary")


def _role(values: _Values) -> Iterator[tuple[Fact, Any]]:
    arn = _entity("role", values)
    trust = values.document("assume_role_policy")
    yield ("role", arn), trust or ""
    yield from _tags(arn, values)
    yield from _bound(arn, values)
    for name in ("inline_policy", "managed_policy_arns"):
        # Both are computed where the configuration does not set them: then they change nothing.
        if values.side == "after" and values.change.is_unknown(name):
            in_part = isinstance(values.change.after_unknown.get(name), list)
            if in_part or values.reader.plan.references_of(values.change, name):
                reason = f"has a value that is not known until apply: {name}"
                values.reader.not_compared.append(NotCompared(values.change.address, reason))
            continue
        for one in values.there.get(name) or ():
            if name == "managed_policy_arns":
                yield ("attached", arn, str(one)), True
            elif isinstance(one, dict) and one.get("name") and one.get("policy"):
                yield ("inline", arn, str(one["name"])), canonical(str(one["policy"]))


def _user(values: _Values) -> Iterator[tuple[Fact, Any]]:
    arn = _entity("user", values)
    yield ("user", arn), True
    yield from _tags(arn, values)
    yield from _bound(arn, values)
    if values.side == "after" and values.reader.account.by_arn(arn) is None:
        values.reader.not_compared.append(NotCompared(values.change.address, "makes a user, which no draft does"))


def _policy(values: _Values) -> Iterator[tuple[Fact, Any]]:
    yield ("policy", _entity("policy", values)), values.document("policy")


def _of_holder(kind: str, facts: Callable[[str, _Values], Iterator[tuple[Fact, Any]]]) -> Facts:
    def found(values: _Values) -> Iterator[tuple[Fact, Any]]:
        return facts(values.reader.arn_of(kind, values.text(kind)), values)

    return found


def _inline(arn: str, values: _Values) -> Iterator[tuple[Fact, Any]]:
    yield ("inline", arn, values.text("name")), values.document("policy")


def _attached(arn: str, values: _Values) -> Iterator[tuple[Fact, Any]]:
    yield ("attached", arn, values.text("policy_arn")), True


def _attached_to_all(values: _Values) -> Iterator[tuple[Fact, Any]]:
    policy = values.text("policy_arn")
    for kind in ("user", "group", "role"):
        for name in values.get(f"{kind}s") or ():
            yield ("attached", values.reader.arn_of(kind, str(name)), policy), True


def _members(values: _Values) -> Iterator[tuple[Fact, Any]]:
    group = values.reader.arn_of("group", values.text("group"))
    for name in values.get("users") or ():
        yield ("member", values.reader.arn_of("user", str(name)), group), True


def _memberships(values: _Values) -> Iterator[tuple[Fact, Any]]:
    user = values.reader.arn_of("user", values.text("user"))
    for name in values.get("groups") or ():
        yield ("member", user, values.reader.arn_of("group", str(name))), True


def _exclusive(kind: str, attribute: str, values: _Values) -> Iterator[tuple[Fact, Any]]:
    """Policies of a holder that has no others afterwards; what it has before is what the account knows."""
    wanted = _Values(values.reader, values.change, "after")
    if not wanted.there:
        return  # Nothing is taken away where the rule itself goes.
    arn = values.reader.arn_of(kind, wanted.text(f"{kind}_name"))
    holder = values.reader.account.by_arn(arn)
    if attribute == "policy_arns":
        arns = [one.arn for one in getattr(holder, "attached_policies", ())]
        listed = arns if values.side == "before" else wanted.get(attribute) or ()
        yield from ((("attached", arn, str(one)), True) for one in listed)
    elif values.side == "before":
        inline = getattr(holder, "inline_policies", ())
        yield from ((("inline", arn, one.name), canonical(one.document.text)) for one in inline)
    else:
        yield from ((("inline", arn, str(name)), _UNKNOWN) for name in wanted.get(attribute) or ())


def _resource_policy(service: str, argument: str, owner: str) -> Facts:
    def facts(values: _Values) -> Iterator[tuple[Fact, Any]]:
        arn = _resource_arn(values, service, values.text(argument), owner)
        yield ("resource", arn), values.document("policy")

    return facts


def _resource_arn(values: _Values, service: str, name: str, owner: str) -> str:
    """The ARN of a resource by what Terraform calls it.

    Raises:
        _UnknownValue: it cannot be determined.
    """
    if name.startswith("arn:"):
        return name
    account = values.reader.account
    if service == "s3":
        return f"arn:{account.partition}:s3:::{name}"
    provider = values.change.provider
    region = (provider.region if provider is not None else None) or account_region(values.there)
    if service == "sqs" and (match := _QUEUE_URL.match(name)):
        return f"arn:{account.partition}:sqs:{match[1]}:{match[2]}:{match[3]}"
    if not region or owner not in ("{name}", "{resource}"):
        raise _UnknownValue("the resource's ARN")
    return f"arn:{account.partition}:{service}:{region}:{account.id}:{SERVICE_SPECS[service].before_name}{name}"


_QUEUE_URL: Final = re.compile(r"https://sqs\.([a-z0-9-]+)\.amazonaws\.com[.a-z]*/([0-9]{12})/([A-Za-z0-9_.-]+)\Z")


def _own_policy(values: _Values) -> Iterator[tuple[Fact, Any]]:
    """The policy of a resource that has it among its own attributes."""
    if values.side == "after" and values.change.is_unknown("policy"):
        if not values.reader.plan.references_of(values.change, "policy"):
            return  # It is not set: it stays as it is, or is AWS's default.
    elif not values.there.get("policy"):
        return
    arn = values.there.get("arn") or _identifier(values.reader, values.change, "arn")
    if not arn:
        raise _UnknownValue("the resource's ARN")
    yield ("resource", str(arn)), values.document("policy")


_RESOURCE_TYPES: Final[Mapping[str, Facts]] = {
    "aws_iam_role": _role,
    "aws_iam_user": _user,
    "aws_iam_policy": _policy,
    "aws_iam_policy_attachment": _attached_to_all,
    "aws_iam_group_membership": _members,
    "aws_iam_user_group_membership": _memberships,
    **{f"aws_iam_{kind}_policy": _of_holder(kind, _inline) for kind in ("role", "user", "group")},
    **{f"aws_iam_{kind}_policy_attachment": _of_holder(kind, _attached) for kind in ("role", "user", "group")},
    **{
        f"aws_iam_{kind}_{name}_exclusive": partial(_exclusive, kind, attribute)
        for kind in ("role", "user", "group")
        for name, attribute in (("policies", "policy_names"), ("policy_attachments", "policy_arns"))
    },
    **{
        spec.terraform.type: _resource_policy(service, spec.terraform.argument, spec.terraform.owner)
        for service, spec in SERVICE_SPECS.items()
        if spec.terraform is not None
    },
    **dict.fromkeys(
        ("aws_s3_bucket", "aws_sqs_queue", "aws_sns_topic", "aws_kms_key", "aws_secretsmanager_secret"), _own_policy
    ),
}
"""By type, what a resource says of who has access (Terraform Registry, provider hashicorp/aws)."""

_WITHOUT_ACCESS: Final = frozenset(
    (
        "aws_iam_instance_profile",
        "aws_iam_service_linked_role",
        "aws_iam_server_certificate",
        "aws_iam_virtual_mfa_device",
    )
)
"""Types of IAM that give nobody access by themselves: a role in a profile is passed by iam:PassRole."""

_OF_ACCESS: Final = re.compile(
    r"^(?:aws|awscc)_(?:iam|sso|ssoadmin|organizations|identitystore|ram|lakeformation|eks_access)_"
    r"|_(?:policy|permission|permissions|grant|grants|acl|access_block|access_entry|policy_attachment)$"
    # What makes anything else: stacks of CloudFormation, and programs.
    r"|^aws_(?:cloudformation_stack|cloudcontrolapi_resource|serverlessapplicationrepository)"
    r"|^(?:null_resource|terraform_data)$"
)
"""Types that say who has access, or that may."""
_POLICY_ATTRIBUTES: Final = frozenset(
    ("policy", "policy_document", "access_policy", "access_policies", "assume_role_policy", "resource_policy")
)


def _policies(values: Any) -> Iterator[str]:
    """The policy documents among the values of a resource, in one way of writing."""
    if isinstance(values, Mapping):
        values = values.values()
    elif isinstance(values, str):
        if '"Statement"' in values:
            yield canonical(values)
        return
    elif not isinstance(values, list | tuple):
        return
    for value in values:
        yield from _policies(value)


def documents_of(change: PlanChange) -> Iterable[tuple[str, str]]:
    """The policy documents that a change writes: the attribute, and the text."""

    def found(name: str, value: Any) -> Iterator[tuple[str, str]]:
        if isinstance(value, str):
            if '"Statement"' in value:
                yield name, value
        elif isinstance(value, Mapping):
            for key, one in value.items():
                yield from found(f"{name}.{key}" if name else str(key), one)
        elif isinstance(value, list):
            for number, one in enumerate(value):
                yield from found(f"{name}[{number}]", one)

    if change.mode == "managed" and {"create", "update"} & set(change.actions):
        yield from found("", change.after)
