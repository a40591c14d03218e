"""The draft that leaves a principal its least policy alone, with its replay and the proof that it allows nothing new.

What was used is asked again of the account as the draft would make it, and that nothing is newly possible is proved.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from iamtui.account.model import Role, User
from iamtui.drafts.draft import Draft, Edit
from iamtui.drafts.edits.policies import DeleteInlinePolicy, PutInlinePolicy, PutManagedPolicy
from iamtui.drafts.edits.principals import AttachPolicy, DetachPolicy, RemoveUserFromGroup
from iamtui.engine.decision import Decision, Outcome
from iamtui.engine.request import Principal
from iamtui.leaves import PROVE_DRAFT
from iamtui.policy.json_text import one_or_more
from iamtui.problem import Problem
from iamtui.questions.policies_in_force import entity_behind
from iamtui.questions.question import Question
from iamtui.text import safe_text
from iamtui.workspace.activity.least_policy import LeastPolicy
from iamtui.workspace.activity.replay_result import allows_all
from iamtui.workspace.activity.used import UNTOLD, Activity, with_stars
from iamtui.workspace.ask.effective_policy import MANAGED_POLICY_SIZE
from iamtui.workspace.ask.proof_result import Proof, ProofStatus
from iamtui.workspace.ask.questions import BulkEvaluator
from iamtui.workspace.change.draft_documents import VERSION
from iamtui.workspace.change.draft_session import DraftedAccount, apply, verdict_key
from iamtui.workspace.source.workspace import Workspace

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
