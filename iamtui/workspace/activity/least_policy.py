"""The least policy from activity: what a principal used, as a policy and as a draft that leaves it nothing else.

It takes the conditions of the statements that granted what was used, keeps all that its policies deny, and generalizes
resources only by the rules that it says, and never beyond the resources of those statements.
"""

from __future__ import annotations

import copy
import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Final, NamedTuple

from iamtui.account.model import Role, User
from iamtui.activity.distinct_requests import DistinctRequest
from iamtui.catalog.actions import ENGINE_CATALOGUE
from iamtui.drafts.draft import Draft, Edit
from iamtui.drafts.edits.policies import DeleteInlinePolicy, PutInlinePolicy, PutManagedPolicy
from iamtui.drafts.edits.principals import AttachPolicy, DetachPolicy, RemoveUserFromGroup
from iamtui.engine.calls.api_calls import authorized_by
from iamtui.engine.decision import Decision, Layer, Outcome
from iamtui.engine.request import MissingPolicy, NamedPolicy, Principal
from iamtui.leaves import PROVE_DRAFT
from iamtui.lint.check_document import findings
from iamtui.lint.subject import Finding
from iamtui.policy.document import PolicyDocument
from iamtui.policy.json_text import one_or_more
from iamtui.policy.patterns import (
    Glob,
    Token,
    Wild,
    arn_tokens,
    is_pattern,
    parse_arn,
    parse_pieces,
    request_tokens,
    tokens_of,
    with_variables_as_stars,
)
from iamtui.policy.statement import ActionElement, action_name
from iamtui.policy.types import PolicyType
from iamtui.problem import Problem
from iamtui.questions.evaluator import QuestionEvaluator
from iamtui.questions.policies_in_force import entity_behind
from iamtui.questions.question import Question
from iamtui.text import first_names, safe_text
from iamtui.workspace.activity.replay import allows_all
from iamtui.workspace.activity.used import UNTOLD, VIA_A_SERVICE, Activity, UsedAction, with_stars
from iamtui.workspace.ask.access import as_newest, granting_statements, statements_of
from iamtui.workspace.ask.effective_policy import MANAGED_POLICY_SIZE
from iamtui.workspace.ask.proof_result import Proof, ProofStatus
from iamtui.workspace.ask.questions import BulkEvaluator, with_region
from iamtui.workspace.change.draft_documents import VERSION
from iamtui.workspace.change.draft_session import DraftedAccount, apply, verdict_key
from iamtui.workspace.source.opening import unloaded_policies, with_resource_policies
from iamtui.workspace.source.workspace import Workspace

MOST_NAMED: Final = 10
"""Most resources of one kind by name; more of them become a pattern."""

MOST_FRONTS: Final = 500
"""Most resources of an action, or folders of them, to evaluate one by one."""

_LOGS: Final = ":log-stream:"
_SEPARATOR: Final = re.compile("[/:](?=.)")
_DEEPEST: Final = 16
"""Most folders behind the kind of a resource that are kept apart."""


@dataclass(frozen=True, slots=True)
class LeastPolicy:
    """The recorded use of a principal as a policy.

    Args:
        statements: what it allows, and what the principal's policies deny.
        rules: how resources were generalized, in sentences, safe to show.
        open_actions: allowed where they are granted, because no record tells all resources that they were used on;
            each with calls whose records do not, and with the types of the unknown ones.
        not_granted: used, but denied now; not in the policy.
        not_known: not granted by policies that are loaded, where others are not; not in the policy.
        by_others: allowed without a policy of the principal: by that of the resource, or always; not in the policy.
        unread: policies of the principal that could not be read, so that what they deny is not kept.
    """

    statements: tuple[dict[str, Any], ...]
    rules: tuple[str, ...] = ()
    open_actions: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    not_granted: tuple[str, ...] = ()
    not_known: tuple[str, ...] = ()
    by_others: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()

    @property
    def document(self) -> dict[str, Any]:
        return {"Version": VERSION, "Statement": list(self.statements)}

    def findings(self, account: str) -> tuple[Finding, ...]:
        """Errors and warnings that AWS would give for the document."""
        return findings(PolicyDocument.of(self.document), PolicyType.IDENTITY, account=account)


class _Grant(NamedTuple):
    """Elements of a statement beside its actions.

    Args:
        condition: of it, as a document of the newest version has it.
        entries: of its Resource element, or of its NotResource element where it is `negated`.
    """

    condition: dict[str, Any]
    entries: tuple[str, ...]
    negated: bool

    @classmethod
    def of(cls, document: PolicyDocument, said: Mapping[str, Any]) -> _Grant:
        negated = "NotResource" in said
        given = as_newest(document, said.get("NotResource" if negated else "Resource", []))
        entries = (given,) if isinstance(given, str) else tuple(given)
        return cls(as_newest(document, said.get("Condition") or {}), entries, negated)

    def within(self, resource: str) -> tuple[str, ...]:
        """As much of a pattern as it grants, in patterns of its own where it does not grant all; () if it is negated
        and grants less than all."""
        if self.negated:
            return () if any(_shares(entry, resource) for entry in self.entries) else (resource,)
        return within_entries(self.entries, resource)


def within_entries(entries: Iterable[str], resource: str) -> tuple[str, ...]:
    """A pattern if one of some entries takes all of it in, else those of them that it shares resources with."""
    entries = tuple(entries)
    if resource in entries or any(_covers(entry, resource) for entry in entries):
        return (resource,)
    return tuple(entry for entry in entries if _shares(entry, resource))


def _covers(entry: str, resource: str) -> bool:
    """True where an entry certainly matches all that a pattern does; one with a variable does not."""
    return entry == "*" or ("${" not in entry and _glob(entry).covers(_tokens(resource)))


def _shares(entry: str, resource: str) -> bool:
    return "*" in (entry, resource) or _glob(entry).shares(_tokens(resource))


def _tokens(resource: str) -> tuple[Token, ...]:
    """Tokens of a resource, with `?` for the unknown characters of its ARN."""
    return tuple(Wild.ONE if token == "?" else token for token in request_tokens(resource))


@lru_cache(maxsize=4096)
def _glob(entry: str) -> Glob:
    """The matcher of an entry, with its variables as stars."""
    return Glob(arn_tokens(tokens_of(with_variables_as_stars(parse_pieces(entry, variables=True)))))


@dataclass(slots=True)
class _Allowed:
    """Resources that statements of one condition should allow.

    Args:
        resources: by action.
        entries: of the statements that granted it, by action.
    """

    resources: dict[str, dict[str, None]] = field(default_factory=lambda: defaultdict(dict))
    entries: dict[str, dict[str, None]] = field(default_factory=lambda: defaultdict(dict))


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
        self._said = {
            (*key, number): _Grant.of(document, said)
            for key, document in self._documents.items()
            for number, said in enumerate(statements_of(document))
        }
        self._unread = [policy.name for policy in identity if (Layer.IDENTITY, policy.name) not in self._documents]
        self._allowed: dict[str, _Allowed] = defaultdict(_Allowed)
        self._negated: dict[tuple[str, tuple[str, ...]], dict[str, None]] = defaultdict(dict)
        self._rules: dict[str, None] = {}
        self._open: dict[str, tuple[str, ...]] = {}
        self._not_granted: dict[str, None] = {}
        self._not_known: dict[str, None] = {}
        self._by_others: dict[str, None] = {}

    def made(self, activity: Activity) -> LeastPolicy:
        for name in sorted(activity.actions):
            used = activity.actions[name]
            # What services forwarded is asked about by itself, since policies tell it apart.
            for forwarded in (False, True):
                contexts = [one for one in used.contexts if (VIA_A_SERVICE in dict(one[1])) is forwarded]
                if contexts:
                    told = {key: (values[0],) for key, values in keys_in_common(contexts).items()}
                    self._take_in(contexts[0][0], told, used)
        allows = list(self._statements())
        denies = list(self._denies()) if allows else []
        if denies:
            self._rules["What the principal's policies deny is kept as it is."] = None
        return LeastPolicy(
            tuple(allows + denies),
            tuple(self._rules),
            self._open,
            tuple(self._not_granted),
            tuple(one for one in self._not_known if one not in self._not_granted),
            tuple(one for one in self._by_others if one not in self._not_granted),
            tuple(self._unread),
        )

    def _take_in(self, region: str, context: Mapping[str, tuple[str, ...]], used: UsedAction) -> None:
        # Resources beside each other are mostly granted alike: of very many, one of each folder or kind is asked about.
        fronts = (str, _stem, _kind)
        front = next((one for one in fronts if len({one(name) for name in used.resources}) <= MOST_FRONTS), _kind)
        asked: str | None = None
        decision: Decision | None = None
        # In the order of their fronts, so that one decision is held at a time.
        for resource in sorted(used.resources, key=lambda name: front(name or "*")):
            where = resource or "*"
            self._told(self._done)
            self._done += 1
            alike = decision is not None and front(where) == asked
            # True where the same statements decide on a resource as on the one beside it.
            if (
                decision is None
                or not alike
                or not (decision.denied or any(True for _ in self._grants(used.action, where, decision)))
            ):
                asked = front(where)
                decision = self._asked_about(Question(used.action, where, context, region=region))
                if decision.outcome is Outcome.IMPLICIT_DENY and UNTOLD in where:
                    decision = self._asked_about(Question(used.action, with_stars(where), context, region=region))
            self._take_on(resource, decision, used)

    def _asked_about(self, question: Question) -> Decision:
        return BulkEvaluator(self._workspace, question, now=self._now, read_whole=True).ask(self._principal)

    def _take_on(self, resource: str, decision: Decision, used: UsedAction) -> None:
        where = resource or "*"
        grants = list(self._grants(used.action, where, decision))
        # Of what no record tells in full, what was called may be granted although not all is that any call needs.
        may_be = is_pattern(where) and grants and decision.outcome is Outcome.IMPLICIT_DENY and not decision.is_capped
        if decision.denied and not may_be:
            (self._not_known if _may_be_granted(decision) else self._not_granted)[used.action] = None
            return
        if not grants:
            # What waits for a policy that could not be read may be granted by that.
            waits = self._unread and decision.outcome is Outcome.DEPENDS
            (self._not_known if waits else self._by_others)[used.action] = None
            return
        if any(grant.condition for grant in grants):
            self._rules["The conditions of the statements that granted it are taken over."] = None
        if not resource and ENGINE_CATALOGUE.has_resource_type(used.action):
            self._open[used.action] = tuple(used.untold)
        name = self._named(where)
        for grant in grants:
            condition = json.dumps(self._with_context(grant.condition, used), sort_keys=True)
            found = grant.within(name)
            if grant.negated and not found:
                # No pattern says what such a statement grants, but the statement does.
                self._negated[condition, grant.entries][used.action] = None
            else:
                self._allowed[condition].resources[used.action].update(dict.fromkeys(found))
                entries = () if grant.negated else grant.entries
                self._allowed[condition].entries[used.action].update(dict.fromkeys(entries or found))

    def _grants(self, action: str, resource: str, decision: Decision) -> Iterator[_Grant]:
        """Grants of the principal's own statements; one that grants all without a condition is enough.

        Of a pattern each statement counts that may grant a part of it: a decision names those alone that decide.
        """
        if is_pattern(resource):
            found = self._about(action)
        else:
            refs = ((ref.layer, ref.policy, ref.statement) for ref in granting_statements(decision))
            found = tuple(self._said[ref] for ref in refs if ref in self._said)
        found = tuple(grant for grant in found if grant.negated or grant.within(resource))
        whole = (one for one in found if not one.condition and one.within(resource) == (resource,))
        enough = next(whole, None)
        yield from found if enough is None else (enough,)

    def _about(self, action: str) -> tuple[_Grant, ...]:
        """Grants of all of the principal's own statements that allow an action on something."""
        name = action_name(action)
        documents = self._documents.items()
        statements = ((*key, one) for key, document in documents for one in document.policy.statements)
        return tuple(
            self._said[layer, policy, one.index]
            for layer, policy, one in statements
            if one.effect == "Allow"
            and ActionElement(one.actions or one.not_actions or (), negated=one.not_actions is not None).matches(name)
        )

    def _with_context(self, condition: dict[str, Any], used: UsedAction) -> dict[str, Any]:
        """A condition, with what all recorded checks of the action carried, as the service a role is passed to."""
        keys = {key: values for key, values in keys_in_common(used.contexts).items() if key == "iam:PassedToService"}
        if not keys or "passedtoservice" in json.dumps(condition).lower():
            return condition
        self._rules["Roles may be passed only to the services that they were passed to."] = None
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
                groups[self._generalized(tuple(resources), allowed.entries[action])].append(action)
            for entries, actions in sorted(groups.items(), key=lambda group: group[1]):
                yield _statement(actions, "Resource", entries, condition)
        for (condition, entries), negated in sorted(self._negated.items()):
            yield _statement(negated, "NotResource", entries, condition)

    def _generalized(self, resources: tuple[str, ...], entries: Iterable[str]) -> tuple[str, ...]:
        if "*" in resources:
            return ("*",)
        kinds: dict[str, list[str]] = defaultdict(list)
        for resource in resources:
            kinds[_kind(resource)].append(resource)
        found: dict[str, None] = {}
        for kind, own in kinds.items():
            found |= dict.fromkeys(self._fewer(kind, own, entries))
        wide = [one for one in found if is_pattern(one)]
        return tuple(sorted(one for one in found if not any(one != other and _covers(other, one) for other in wide)))

    def _fewer(self, kind: str, resources: Iterable[str], entries: Iterable[str]) -> list[str]:
        """Resources of one kind; while there are too many, a pattern for all in each of the deepest full folders.

        Where that is more than was granted, the entries of the grant stand in its place.
        """
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
            granted = within_entries(entries, pattern)
            names.remove(pattern)
            names.update(granted)
            words = f"{first_names(granted, 3, limit=512)} {'covers' if len(granted) == 1 else 'cover'} them."
            self._rules[f"More than {self._most} resources: {words}"] = None
        return list(names)

    def _denies(self) -> Iterator[dict[str, Any]]:
        """Deny statements of the principal's own policies, each once."""
        found: dict[str, dict[str, Any]] = {}
        for document in self._documents.values():
            for statement in statements_of(document):
                if statement.get("Effect") == "Deny":
                    kept = {key: as_newest(document, value) for key, value in statement.items() if key != "Sid"}
                    found[json.dumps(kept, sort_keys=True)] = kept
        yield from found.values()


def _statement(actions: Iterable[str], element: str, entries: Iterable[str], condition: str) -> dict[str, Any]:
    made = {"Effect": "Allow", "Action": one_or_more(sorted(actions)), element: one_or_more(list(entries))}
    return made | ({"Condition": json.loads(condition)} if condition != "{}" else {})


def _may_be_granted(decision: Decision) -> bool:
    """True where a policy that is not loaded, such as that of a resource, may allow the denied request."""
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


# Policies of the resources that recorded calls name, loaded into a workspace where they are not yet.


MOST_LOADED: Final = 200
"""Most resources whose policies are loaded."""


def with_named_policies(
    workspace: Workspace, requests: Iterable[DistinctRequest], told: Callable[[int], None] = lambda _count: None
) -> tuple[Workspace, dict[str, str]]:
    """The workspace with the policies of the resources that requests name, up to MOST_LOADED; and why others are not.

    Blocking: they are asked for where they are not loaded.
    """
    if not workspace.can_call_aws:
        return workspace, {}
    calls = (one for one in requests if one.is_call and not (one.error and not one.denied))
    named = (arn for call in calls for action in authorized_by(call.record()).actions for arn in action.resources)
    return with_policies_of(workspace, named, told)


def with_policies_of(
    workspace: Workspace, resources: Iterable[str], told: Callable[[int], None] = lambda _count: None
) -> tuple[Workspace, dict[str, str]]:
    """The same, of resources by their ARNs; patterns are passed over."""
    if not workspace.can_call_aws:
        return workspace, {}
    wanted = dict.fromkeys(unloaded_policies(workspace, (arn for arn in resources if arn and not is_pattern(arn))))
    loaded = list(wanted)[:MOST_LOADED]
    failed = dict.fromkeys(list(wanted)[MOST_LOADED:], f"more than {MOST_LOADED} are not loaded at once")
    for number, carrier in enumerate(loaded):
        told(number)
        workspace, refused = with_resource_policies(workspace, [carrier])
        failed |= {arn: problem.sentence for arn, problem in refused.items()}
    return workspace, failed


# The draft that leaves a principal its least policy alone, with its replay and the proof that it allows nothing new.


MOST_ASKED: Final = 5_000
"""Most pairs of an action and a resource to evaluate."""

POLICY_NAME: Final = "used-only"
_INLINE_SIZES: Final = {User: 2_048, Role: 10_240}
_MOST_POLICIES: Final = 10


@dataclass(frozen=True, slots=True)
class LeastDraft:
    """A draft that gives a principal the least policy in place of all its others.

    Args:
        lost: used actions and resources that the draft would deny although they are allowed now.
        unproved: used actions and resources of which it cannot be determined.
        unchecked: how many were not asked about.
        proof: whether nothing is newly possible; None where the draft does not fit.
        besides: actions that the draft takes away, each with a call that may have needed it, which no record tells.
    """

    drafted: DraftedAccount
    lost: tuple[tuple[str, str], ...]
    unproved: tuple[tuple[str, str], ...]
    unchecked: int
    proof: Proof | None
    besides: tuple[str, ...] = ()

    @property
    def widens(self) -> str:
        """New permission by the draft, in a sentence; "" where none is known."""
        one = self.proof.counterexample if self.proof is not None else None
        return "" if one is None else f"It would newly allow {one.action} on {safe_text(one.resource, limit=512)}."


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

    Where no record tells the resources of a call, all that was granted has to stay.

    Raises:
        Problem: there is no such draft.
    """
    drafted = apply(workspace, least_draft(workspace, principal, least))
    if drafted.problems:
        return LeastDraft(drafted, (), (), 0, None)
    lost: list[tuple[str, str]] = []
    unproved: list[tuple[str, str]] = []
    now = datetime.now(UTC)

    def decisions(question: Question) -> tuple[Decision, Decision]:
        before, after = (BulkEvaluator(one, question, now=now).ask(principal) for one in (drafted.base, drafted.after))
        return before, after

    pairs = [(used, resource or "*") for used in activity.actions.values() for resource in used.resources]
    for used, resource in pairs[:MOST_ASKED]:
        for region, context in used.contexts:
            before, after = decisions(Question(used.action, resource, dict(context), region=region))
            if before.outcome is Outcome.IMPLICIT_DENY and UNTOLD in resource:
                before, after = decisions(Question(used.action, with_stars(resource), dict(context), region=region))
            if allows_all(after) or before.denied or _says_the_same(before, after):
                continue
            (lost if after.denied else unproved).append((used.action, resource))
    besides = [
        f"{action} ({event})"
        for action, event in sorted(activity.possible.items())
        if action not in activity.actions
        and not (found := decisions(Question(action, "*")))[0].denied
        and not _says_the_same(*found)
    ]
    prove: Callable[[Workspace, Workspace], Proof] | None = PROVE_DRAFT.load()
    no_proof = Proof(ProofStatus.NOT_PROVED, reasons={"this iamtui has no proofs": 1})
    proof = no_proof if prove is None else prove(drafted.base, drafted.after)
    more = max(0, len(pairs) - MOST_ASKED)
    return LeastDraft(drafted, tuple(dict.fromkeys(lost)), tuple(dict.fromkeys(unproved)), more, proof, tuple(besides))


def _says_the_same(before: Decision, after: Decision) -> bool:
    """True where two decisions are the same, in whichever order policies name the resources."""
    keys = (verdict_key(before), verdict_key(after))
    one, other = ([frozenset(part) if isinstance(part, tuple) else part for part in key] for key in keys)
    return one == other
