"""The least policy from activity: what a principal used, as a policy and as a draft that leaves it nothing else.

It takes the conditions of the statements that granted what was used, keeps all that its policies deny, and generalizes
resources only by the rules that it says.
"""

from __future__ import annotations

import copy
import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from iamtui.account.model import Role, User
from iamtui.catalog.actions import ENGINE_CATALOGUE
from iamtui.drafts.draft import Draft, Edit
from iamtui.drafts.edits.policies import DeleteInlinePolicy, PutInlinePolicy, PutManagedPolicy
from iamtui.drafts.edits.principals import AttachPolicy, DetachPolicy, RemoveUserFromGroup
from iamtui.engine.decision import Decision, Layer, Outcome, ResourceScope
from iamtui.engine.request import MissingPolicy, NamedPolicy, Principal
from iamtui.lint.check_document import findings
from iamtui.lint.subject import Finding
from iamtui.policy.document import PolicyDocument
from iamtui.policy.json_text import one_or_more
from iamtui.policy.patterns import parse_arn
from iamtui.policy.types import PolicyType
from iamtui.problem import Problem
from iamtui.questions.evaluator import QuestionEvaluator
from iamtui.questions.policies_in_force import entity_behind
from iamtui.questions.question import Question
from iamtui.text import safe_text
from iamtui.workspace.access import as_newest, granting_conditions, statements_of
from iamtui.workspace.draft_documents import VERSION
from iamtui.workspace.draft_proofs import prove_nothing_new
from iamtui.workspace.draft_session import DraftedAccount, lay
from iamtui.workspace.effective_policy import MANAGED_POLICY_SIZE
from iamtui.workspace.proofs import Proof
from iamtui.workspace.questions import BulkEvaluator, with_region
from iamtui.workspace.replay_result import allows_all
from iamtui.workspace.used import VIA_A_SERVICE, Activity, UsedAction
from iamtui.workspace.workspace import Workspace

MOST_NAMED: Final = 10
"""Resources of one kind that are named; of more a pattern stands for all of them."""

MOST_ASKED: Final = 5_000
"""Pairs of an action and a resource that are asked about."""

MOST_FRONTS: Final = 500
"""Resources of an action, or folders of them, that are asked about one by one."""

POLICY_NAME: Final = "used-only"
_INLINE_SIZES: Final = {User: 2_048, Role: 10_240}
_MOST_POLICIES: Final = 10
_LOGS: Final = ":log-stream:"
_SEPARATOR: Final = re.compile("[/:](?=.)")
_DEEPEST: Final = 16
"""Folders that are told apart behind the kind of a resource."""


@dataclass(frozen=True, slots=True)
class LeastPolicy:
    """What was used as a policy.

    Args:
        statements: what it allows, and what the principal's policies deny.
        rules: how resources were generalized, in sentences, safe to show.
        open_actions: allowed where they are granted, because no record tells on which resources they were used.
        not_granted: used, but denied now; not in the policy.
        not_known: not granted by policies that are loaded, where others are not; not in the policy.
        by_others: allowed without a policy of the principal: by that of the resource, or always; not in the policy.
        unread: policies of the principal that could not be read, so that what they deny is not kept.
    """

    statements: tuple[dict[str, Any], ...]
    rules: tuple[str, ...] = ()
    open_actions: tuple[str, ...] = ()
    not_granted: tuple[str, ...] = ()
    not_known: tuple[str, ...] = ()
    by_others: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()

    @property
    def document(self) -> dict[str, Any]:
        return {"Version": VERSION, "Statement": list(self.statements)}

    def findings(self, account: str) -> tuple[Finding, ...]:
        """What AWS would refuse or warn about."""
        return findings(PolicyDocument.of(self.document), PolicyType.IDENTITY, account=account)


@dataclass(slots=True)
class _Allowed:
    """What statements of one condition are to allow: actions with their resources."""

    resources: dict[str, dict[str, None]] = field(default_factory=lambda: defaultdict(dict))


def least_policy(
    workspace: Workspace,
    principal: Principal,
    activity: Activity,
    most: int = MOST_NAMED,
    told: Callable[[int], None] = lambda _done: None,
) -> LeastPolicy:
    """The policy that allows what was used.

    Args:
        most: how many resources of one kind are named.
        told: called again and again with how many resources are done.
    """
    return _Maker(workspace, principal, most, told).made(activity)


class _Maker:
    def __init__(self, workspace: Workspace, principal: Principal, most: int, told: Callable[[int], None]) -> None:
        self._workspace = workspace
        self._principal = principal
        self._most = most
        self._now = datetime.now(UTC)
        self._told = told
        self._done = 0
        question = with_region(workspace, Question("s3:GetObject"))
        _, policies, _ = QuestionEvaluator(workspace.account, question, self._now).put_by(principal)
        identity = policies.identity if isinstance(policies.identity, tuple) else (MissingPolicy("identity policies"),)
        known = [policy for policy in identity if isinstance(policy, NamedPolicy)]
        read = [policy for policy in known if policy.document.error is None]
        self._documents = {(Layer.IDENTITY, policy.name): policy.document for policy in read}
        self._unread = [policy.name for policy in identity if (Layer.IDENTITY, policy.name) not in self._documents]
        self._allowed: dict[str, _Allowed] = defaultdict(_Allowed)
        self._rules: dict[str, None] = {}
        self._open: dict[str, None] = {}
        self._not_granted: dict[str, None] = {}
        self._not_known: dict[str, None] = {}
        self._by_others: dict[str, None] = {}

    def made(self, activity: Activity) -> LeastPolicy:
        for name in sorted(activity.actions):
            self._take(activity.actions[name])
        allows = list(self._statements())
        denies = list(self._denies()) if allows else []
        if denies:
            self._rules["What the principal's policies deny is kept as it is."] = None
        return LeastPolicy(
            tuple(allows + denies),
            tuple(self._rules),
            tuple(self._open),
            tuple(self._not_granted),
            tuple(one for one in self._not_known if one not in self._not_granted),
            tuple(one for one in self._by_others if one not in self._not_granted),
            tuple(self._unread),
        )

    def _take(self, used: UsedAction) -> None:
        # What services forwarded is asked about by itself, since policies tell it apart.
        for forwarded in (False, True):
            contexts = [one for one in used.contexts if (VIA_A_SERVICE in dict(one[1])) is forwarded]
            if contexts:
                told = {key: (values[0],) for key, values in keys_in_common(contexts).items()}
                self._take_in(contexts[0][0], told, used)

    def _take_in(self, region: str, context: Mapping[str, tuple[str, ...]], used: UsedAction) -> None:
        # Resources beside each other are mostly granted alike: of very many, one of each folder or kind is asked about.
        fronts = (str, _stem, _kind)
        front = next((one for one in fronts if len({one(name) for name in used.resources}) <= MOST_FRONTS), _kind)
        asked: str | None = None
        # In the order of their fronts, so that one decision is held at a time.
        for resource in sorted(used.resources, key=lambda name: front(name or "*")):
            where = resource or "*"
            self._told(self._done)
            self._done += 1
            if front(where) != asked:
                asked = front(where)
                question = Question(used.action, where, context, region=region)
                asker = BulkEvaluator(self._workspace, question, now=self._now, read_whole=True)
                decision = asker.ask(self._principal)
            self._take_on(resource, decision, used)

    def _take_on(self, resource: str, decision: Decision, used: UsedAction) -> None:
        where = resource or "*"
        if decision.denied:
            (self._not_known if _may_be_granted(decision) else self._not_granted)[used.action] = None
            return
        conditions = self._conditions(decision)
        if not conditions:
            # What waits for a policy that could not be read may be granted by that.
            waits = self._unread and decision.outcome is Outcome.DEPENDS
            (self._not_known if waits else self._by_others)[used.action] = None
        names: tuple[str, ...] = (self._named(where),)
        if conditions and decision.resource_scope is ResourceScope.SOME:
            # Which one it was is not told in full: then no more than it has.
            names = decision.allowed_resources
        if conditions and not resource and ENGINE_CATALOGUE.has_resource_type(used.action):
            self._open[used.action] = None
        for condition in conditions:
            key = json.dumps(self._with_context(condition, used), sort_keys=True)
            self._allowed[key].resources[used.action].update(dict.fromkeys(names))

    def _conditions(self, decision: Decision) -> list[dict[str, Any]]:
        """The conditions of the principal's own statements that granted it, each once; one without is enough."""
        found = granting_conditions(decision, self._documents)
        if any(found):
            self._rules["The conditions of the statements that granted it are taken over."] = None
        return found

    def _with_context(self, condition: dict[str, Any], used: UsedAction) -> dict[str, Any]:
        """A condition, with what all recorded checks of the action carried, as the service a role is passed to."""
        keys = {key: values for key, values in keys_in_common(used.contexts).items() if key == "iam:PassedToService"}
        if not keys or "passedtoservice" in json.dumps(condition).lower():
            return condition
        self._rules["Roles may be passed to the services alone that they were passed to."] = None
        made = copy.deepcopy(condition)
        made.setdefault("StringEquals", {}).update({key: one_or_more(values) for key, values in keys.items()})
        return made

    def _named(self, resource: str) -> str:
        arn = parse_arn(resource)
        if arn is not None and arn.service == "logs" and _LOGS in resource:
            self._rules["Log groups are named with all of their streams (NAME:*), as CloudWatch Logs asks for."] = None
            return resource.partition(_LOGS)[0] + ":*"
        return resource

    def _statements(self) -> Iterator[dict[str, Any]]:
        for condition, allowed in sorted(self._allowed.items()):
            groups: dict[tuple[str, ...], list[str]] = defaultdict(list)
            for action, resources in allowed.resources.items():
                groups[self._generalized(tuple(resources))].append(action)
            for entries, actions in sorted(groups.items(), key=lambda group: group[1]):
                made: dict[str, Any] = {
                    "Effect": "Allow",
                    "Action": one_or_more(sorted(actions)),
                    "Resource": one_or_more(entries),
                }
                told = json.loads(condition)
                yield made | ({"Condition": told} if told else {})

    def _generalized(self, resources: tuple[str, ...]) -> tuple[str, ...]:
        if "*" in resources:
            return ("*",)
        kinds: dict[str, list[str]] = defaultdict(list)
        for resource in resources:
            kinds[_kind(resource)].append(resource)
        found: list[str] = []
        for kind, own in kinds.items():
            found += self._fewer(kind, own)
        return tuple(sorted(found))

    def _fewer(self, kind: str, resources: Iterable[str]) -> list[str]:
        """Resources of one kind; while there are too many, a pattern for all in each of the deepest full folders."""
        names = set(resources)
        patterns: set[str] = set()
        deepest = max(len(_SEPARATOR.findall(name, len(kind))) for name in names)
        for depth in range(min(deepest, _DEEPEST), -1, -1):
            if len(names) <= self._most:
                break
            folders: dict[str, list[str]] = defaultdict(list)
            for name in names:
                folder = _folder(name, kind, depth)
                if folder:
                    folders[folder].append(name)
            for folder, inside in folders.items():
                if len(inside) > self._most:
                    names.difference_update(inside)
                    names.add(f"{folder}*")
                    patterns.add(f"{folder}*")
        for pattern in sorted(names & patterns):
            self._rules[f"More than {self._most} resources: {safe_text(pattern, limit=512)} stands for them."] = None
        return list(names)

    def _denies(self) -> Iterator[dict[str, Any]]:
        """What the principal's own policies deny, each once."""
        found: dict[str, dict[str, Any]] = {}
        for document in self._documents.values():
            for statement in statements_of(document):
                if statement.get("Effect") == "Deny":
                    kept = {key: as_newest(document, value) for key, value in statement.items() if key != "Sid"}
                    found[json.dumps(kept, sort_keys=True)] = kept
        yield from found.values()


def _may_be_granted(decision: Decision) -> bool:
    """Whether a policy that is not loaded, such as that of a resource, may allow what is denied so far."""
    grants = any(layer in (Layer.IDENTITY, Layer.RESOURCE) for layer in decision.not_evaluated)
    return decision.outcome is Outcome.IMPLICIT_DENY and grants and not decision.is_capped


def keys_in_common(
    found: Iterable[tuple[str, tuple[tuple[str, tuple[str, ...]], ...]]],
) -> Mapping[str, tuple[str, ...]]:
    """The condition keys that all of some recorded checks carried, with all their values."""
    contexts = [dict(context) for _, context in found]
    keys = set.intersection(*(set(context) for context in contexts)) if contexts else set()
    return {key: tuple(sorted({value for context in contexts for value in context[key]})) for key in sorted(keys)}


def _stem(resource: str) -> str:
    return resource[: max(resource.rfind("/"), resource.rfind(":")) + 1]


def _kind(resource: str) -> str:
    """The front of an ARN that resources of one kind share: up to the type, of S3's objects to the bucket."""
    fields = resource.split(":", 5)
    if len(fields) < 6:
        return resource
    head = ":".join(fields[:5]) + ":"
    name = fields[5]
    at = min((place for place in (name.find("/"), name.find(":")) if place >= 0), default=-1)
    return head + name[: at + 1]


def _folder(name: str, kind: str, depth: int) -> str:
    """The front of an ARN up to a separator, so many behind its kind; "" where it has not so many."""
    end = len(kind)
    for _ in range(depth):
        found = _SEPARATOR.search(name, end)
        if found is None:
            return ""
        end = found.end()
    return name[:end]


# The draft that leaves nothing else, and what can be said of it.


@dataclass(frozen=True, slots=True)
class LeastDraft:
    """A draft that gives a principal the least policy in place of all its others.

    Args:
        lost: used actions and resources that the draft would deny although they are allowed now.
        unproved: used actions and resources of which it cannot be told.
        unchecked: how many were not asked about.
        proof: whether nothing is newly possible; None where the draft does not fit.
    """

    drafted: DraftedAccount
    lost: tuple[tuple[str, str], ...]
    unproved: tuple[tuple[str, str], ...]
    unchecked: int
    proof: Proof | None


def least_draft(workspace: Workspace, principal: Principal, least: LeastPolicy) -> Draft:
    """The edits that give a user or role the least policy and take all its others away.

    Raises:
        Problem: it is no user or role of the account, one of AWS's own, or not all of its policies are known.
    """
    account = workspace.account
    entity = entity_behind(account, principal)
    if entity is None:
        raise Problem(
            f"{safe_text(principal.arn)} is not a user or role of the loaded account.", "Name a user or a role of it."
        )
    if not least.statements:
        raise Problem(
            f"Nothing was used that the policies of {safe_text(entity.name)} grant.", "Name trails with its calls."
        )
    if least.unread or entity.unread:
        raise Problem(
            f"Not all policies of {safe_text(entity.name)} are known, so that what they deny would be lost.",
            "Load them: `iamtui permissions` names what that takes.",
        )
    if entity.path.startswith(("/aws-service-role/", "/aws-reserved/")):
        raise Problem(f"{safe_text(entity.name)} is managed by AWS, which keeps its policies.", "Name another role.")
    edits: list[Edit] = [*_put(account.partition, account.id, entity, least)]
    kept = {edit.policy_arn for edit in edits if isinstance(edit, AttachPolicy)}
    kept |= {edit.name for edit in edits if isinstance(edit, PutInlinePolicy)}
    edits += [DetachPolicy(entity.arn, one.arn) for one in entity.attached_policies if one.arn not in kept]
    edits += [DeleteInlinePolicy(entity.arn, one.name) for one in entity.inline_policies if one.name not in kept]
    if isinstance(entity, User):
        groups = (account.group(name) for name in entity.groups)
        edits += [RemoveUserFromGroup(entity.arn, group.arn) for group in groups if group is not None]
    return Draft(account.id, f"only what {entity.name} used", tuple(edits))


def _put(partition: str, account: str, entity: User | Role, least: LeastPolicy) -> Iterator[Edit]:
    text = json.dumps(least.document, indent=2)
    if _size(least.statements) <= _INLINE_SIZES[type(entity)]:
        yield PutInlinePolicy(entity.arn, POLICY_NAME, text)
        return
    documents = list(_packed(least.statements))
    if len(documents) > _MOST_POLICIES:
        raise Problem(
            f"The policy takes more than {_MOST_POLICIES} managed policies, which is the default quota of an identity.",
            "Name fewer resources of a kind: --name-at-most 3.",
        )
    for number, statements in enumerate(documents, 1):
        arn = f"arn:{partition}:iam::{account}:policy/{POLICY_NAME}-{entity.name[:100]}-{number}"
        yield PutManagedPolicy(arn, json.dumps({"Version": VERSION, "Statement": statements}, indent=2))
        yield AttachPolicy(entity.arn, arn)


def _packed(statements: Iterable[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    """Statements, as many to a managed policy as it may have; a longer one is split by its resources and actions."""
    held: list[dict[str, Any]] = []
    for statement in (part for each in statements for part in _parts(each)):
        if held and _size([*held, statement]) > MANAGED_POLICY_SIZE:
            yield held
            held = []
        held.append(statement)
    yield held


def _parts(statement: dict[str, Any]) -> Iterator[dict[str, Any]]:
    if _size([statement]) <= MANAGED_POLICY_SIZE or statement["Effect"] != "Allow":
        yield statement
        return
    for element in ("Resource", "Action"):
        values = statement[element]
        if isinstance(values, list) and len(values) > 1:
            for half in (values[: len(values) // 2], values[len(values) // 2 :]):
                yield from _parts(statement | {element: one_or_more(half)})
            return
    yield statement


def _size(statements: Iterable[dict[str, Any]]) -> int:
    document = {"Version": VERSION, "Statement": list(statements)}
    return len(json.dumps(document, separators=(",", ":"), ensure_ascii=False))


def check_least(workspace: Workspace, principal: Principal, least: LeastPolicy, activity: Activity) -> LeastDraft:
    """Lay the draft over the account, and ask there again for all that was used.

    Raises:
        Problem: there is no such draft.
    """
    drafted = lay(workspace, least_draft(workspace, principal, least))
    if drafted.problems:
        return LeastDraft(drafted, (), (), 0, None)
    lost: list[tuple[str, str]] = []
    unproved: list[tuple[str, str]] = []
    now = datetime.now(UTC)
    pairs = [(used, resource or "*") for used in activity.actions.values() for resource in used.resources]
    for used, resource in pairs[:MOST_ASKED]:
        for question in _questions(used, resource):
            after = BulkEvaluator(drafted.after, question, now=now).ask(principal)
            if allows_all(after):
                continue
            before = BulkEvaluator(drafted.base, question, now=now).ask(principal)
            if before.denied:
                continue
            if after.denied:
                lost.append((used.action, resource))
            elif allows_all(before):
                unproved.append((used.action, resource))
    proof = prove_nothing_new(drafted.base, drafted.after)
    return LeastDraft(drafted, tuple(lost), tuple(unproved), max(0, len(pairs) - MOST_ASKED), proof)


def _questions(used: UsedAction, resource: str) -> Iterator[Question]:
    for region, context in used.contexts:
        yield Question(used.action, resource, dict(context), region=region)
