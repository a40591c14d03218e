"""Decisions: how many per CPU-second, and the pinned question over every principal of an account."""

from __future__ import annotations

import gc
import io
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import fields, replace
from datetime import UTC, datetime
from functools import partial
from random import Random
from statistics import median
from typing import Any, Final, TypeAlias

from benchmarks import generator
from benchmarks.documents import boundary_document, customer_document, document, scp_documents
from benchmarks.generator import Size
from benchmarks.results import Plan, Result, cpu_seconds, garbage_as_in_the_program, median_cpu_seconds
from benchmarks.vocabulary import ACCOUNT
from benchmarks.yes_or_no import YesOrNo
from iamtui.account.model import Account, Role, User
from iamtui.drafts.draft import Draft, apply_draft
from iamtui.drafts.edits.policies import PutInlinePolicy
from iamtui.engine.decision import Decision
from iamtui.engine.evaluator import evaluate
from iamtui.engine.index.index_outcomes import Outcomes
from iamtui.engine.request import PoliciesInForce, Principal, Request
from iamtui.engine.scenarios.scenario import MalformedScenario, read_scenarios
from iamtui.engine.words.decision_json import decision_to_json
from iamtui.engine.words.trace import trace
from iamtui.questions.account_index import account_index
from iamtui.questions.evaluator import Question, QuestionEvaluator
from iamtui.questions.every_action import EveryAction
from iamtui.workspace.ask.questions import BulkEvaluator, make_ready, with_region
from iamtui.workspace.ask.trust import who_may_assume
from iamtui.workspace.ask.what_can import what_can
from iamtui.workspace.review.escalations import find_escalations
from iamtui.workspace.source.principals import principal_for
from iamtui.workspace.source.workspace import SourceInfo, SourceKind, Workspace

Asked: TypeAlias = tuple[Principal, Question]

DECISIONS_GOAL: Final = 39_000.0
PINNED_GOAL_MS: Final = 150.0
INDEX_GOAL_MS: Final = 400.0
OUTCOMES_GOAL_MS: Final = 2.0
FIRST_TOUCH_GOAL_MS: Final = 16.0
OF_A_SET_GOAL_MS: Final = 50.0
ONE_ROW_GOAL_MS: Final = 1.0
MATRIX_GOAL_MS: Final = 2_000.0
EDGES_GOAL_MS: Final = 1_000.0
ESCALATIONS_GOAL_MS: Final = 5_000.0
OUTCOMES_ALONE_GOAL: Final = 100_000.0
_OF_SETS: Final = ("iam:PassRole", "s3:GetObject", "sts:AssumeRole", "kms:Decrypt")
_TYPED: Final = ("s3:", "GetObject")
_PARTS: Final = tuple(part.name for part in fields(Decision))


def run(plan: Plan) -> Iterator[Result]:
    """Measure decisions at two sizes, the pinned question and scenarios."""
    with garbage_as_in_the_program():
        for size in dict.fromkeys((plan.small, plan.large)):
            yield from _single_decisions(plan, size)
        yield from _pinned_question(plan)
        yield from _index(plan)
        yield from _what_can(plan)
        yield from _paths(plan)
        yield _scenarios(plan)


def opened(size: Size) -> Workspace:
    """A generated account, opened as a snapshot."""
    workspace = Workspace(generator.account(size), SourceInfo(SourceKind.SNAPSHOT, "generated", region="eu-west-1"))
    gc.collect()
    return workspace


def principals_of(workspace: Workspace) -> tuple[Principal, ...]:
    """Every user and role, as the screen asks for them."""
    entities: tuple[User | Role, ...] = (*workspace.account.users, *workspace.account.roles)
    return tuple(principal_for(workspace, entity) for entity in entities)


def draw(account: Account, principals: Sequence[Principal], count: int, seed: int) -> list[Asked]:
    """Random triples of principal, action and resource."""
    random = Random(seed)
    return [(random.choice(principals), question) for question in generator.questions(account, count, seed)]


def decide(account: Account, asked: Sequence[Asked]) -> None:
    """Answer each question on its own, with the complete Decision record."""
    for principal, question in asked:
        QuestionEvaluator(account, question).decide(principal)


def outcomes_alone(account: Account, asked: Sequence[Asked]) -> None:
    """The same without a record of any kind."""
    for principal, question in asked:
        QuestionEvaluator(account, question).outcome(principal)


def decide_and_read(account: Account, asked: Sequence[Asked]) -> None:
    """The same with every part of the Decision put together, as JSON output does; else that is left to the reader."""
    for principal, question in asked:
        decision = QuestionEvaluator(account, question).decide(principal)
        for part in _PARTS:
            getattr(decision, part)


def decide_and_trace(account: Account, asked: Sequence[Asked]) -> None:
    """The same with the trace of every layer."""
    for principal, question in asked:
        request, policies = QuestionEvaluator(account, question).request_and_policies(principal)
        evaluate(request, policies)
        trace(request, policies)


def say_yes_or_no(yardstick: YesOrNo, triples: Sequence[tuple[str, str, str]]) -> None:
    """Answer each triple of principal ARN, action and resource with yes or no, by the yardstick."""
    for principal, action, resource in triples:
        yardstick.allows(principal, action, resource)


def _evaluate_all(prepared: Sequence[tuple[Request, PoliciesInForce]]) -> None:
    for request, policies in prepared:
        evaluate(request, policies)


def _single_decisions(plan: Plan, size: Size) -> Iterator[Result]:
    workspace = opened(size)
    account, principals = workspace.account, principals_of(workspace)
    count = plan.decisions
    sets = [draw(account, principals, count, seed) for seed in range(plan.repeats + 3)]
    where = f"{size.principals:,} principals"
    first = cpu_seconds(partial(decide, account, sets[0]))
    yield Result(f"decisions, {where}, fresh account", count / first, "/s", note="parses and compiles as it goes")
    # Two more sets touch what nearly every further question needs, and the rest is compiled as on screen.
    decide(account, sets[1])
    decide(account, sets[2])
    yardstick = YesOrNo(account, principals)
    _compile_all(workspace)
    warm = sets[3:]
    yield from _against_the_yardstick(account, yardstick, warm, where)
    seconds = median_cpu_seconds([partial(outcomes_alone, account, asked) for asked in warm])
    yield Result(f"outcomes alone, {where}", count / seconds, "/s", OUTCOMES_ALONE_GOAL, more_is_better=True)
    seconds = median_cpu_seconds([partial(decide_and_read, account, asked) for asked in warm])
    yield Result(f"decisions, {where}, every part read", count / seconds, "/s", note="layers, reasons, notes, ...")
    seconds = median_cpu_seconds([partial(decide, account, warm[0]) for _ in range(plan.repeats)])
    yield Result(f"decisions, {where}, asked before", count / seconds, "/s")
    prepared = [
        QuestionEvaluator(account, question).request_and_policies(principal) for principal, question in warm[-1]
    ]
    seconds = median_cpu_seconds([partial(_evaluate_all, prepared) for _ in range(plan.repeats)])
    yield Result(f"decisions, {where}, evaluate() alone", count / seconds, "/s", note="request and policies at hand")
    some = [asked[: max(1, count // 8)] for asked in warm]
    decide_and_trace(account, some[0])
    seconds = median_cpu_seconds([partial(decide_and_trace, account, asked) for asked in some])
    yield Result(f"decisions with trace, {where}", len(some[0]) / seconds, "/s")


def _against_the_yardstick(
    account: Account, yardstick: YesOrNo, sets: Sequence[Sequence[Asked]], where: str
) -> Iterator[Result]:
    """Decisions and the yardstick in turn, set by set, so that a busy minute of the machine is one for both."""
    ours: list[float] = []
    theirs: list[float] = []
    for asked in sets:
        triples = [(principal.arn, question.action, question.resource) for principal, question in asked]
        ours.append(cpu_seconds(partial(decide, account, asked)))
        theirs.append(cpu_seconds(partial(say_yes_or_no, yardstick, triples)))
    count = len(sets[0])
    speed = count / median(ours)
    yield Result(f"decisions, {where}", speed, "/s", DECISIONS_GOAL, more_is_better=True, note="new random triples")
    yield Result(f"yes or no only, {where} (yardstick)", count / median(theirs), "/s", note="the same triples")
    yield Result(
        f"decisions against the yardstick, {where}",
        median(yardstick_seconds / seconds for seconds, yardstick_seconds in zip(ours, theirs, strict=True)),
        "x",
        note="measured in turn, set by set",
    )


def _compile_all(workspace: Workspace) -> None:
    """What the screen does in the background once an account is open."""
    for _ in make_ready(workspace):
        pass
    gc.collect()


def _ask_everyone(workspace: Workspace, question: Question) -> None:
    account_index(workspace.account)
    poll = BulkEvaluator(workspace, question)
    for principal in principals_of(workspace):
        poll.ask(principal)


def _pinned_question(plan: Plan) -> Iterator[Result]:
    workspace = opened(plan.large)
    where = f"{plan.large.principals:,} principals"
    pinned = Question("s3:GetObject", "arn:aws:s3:::payments-export-prod/2026/data.json")
    first = cpu_seconds(partial(_ask_everyone, workspace, pinned))
    yield Result(f"pinned question over {where}, fresh account", first * 1000, "ms", note="parses every document")
    compiled = opened(plan.large)
    seconds = cpu_seconds(partial(_compile_all, compiled))
    yield Result(f"compiling the policies of {where}", seconds * 1000, "ms", note="on screen in the background")
    first = cpu_seconds(partial(_ask_everyone, compiled, pinned))
    yield Result(f"pinned question over {where}, just compiled", first * 1000, "ms", note="first question of all")
    del compiled
    again = median_cpu_seconds([partial(_ask_everyone, workspace, pinned) for _ in range(plan.repeats)])
    yield Result(f"pinned question over {where}, repeated", again * 1000, "ms", PINNED_GOAL_MS)
    others = generator.questions(workspace.account, plan.repeats * 3, seed=77)
    works = [cpu_seconds(partial(_ask_everyone, workspace, question)) for question in others]
    yield Result(
        f"pinned question over {where}, first touch",
        median(works) * 1000,
        "ms",
        PINNED_GOAL_MS,
        note=f"{len(others)} other questions, slowest {max(works) * 1000:.0f} ms",
    )
    strict = replace(pinned, context={"aws:SourceIp": ("203.0.113.9",), "aws:MultiFactorAuthPresent": ("true",)})
    with_context = median_cpu_seconds([partial(_ask_everyone, workspace, strict) for _ in range(plan.repeats)])
    yield Result(f"pinned question over {where}, with context", with_context * 1000, "ms", PINNED_GOAL_MS)
    service, operation = _TYPED
    keys = [
        cpu_seconds(partial(_ask_everyone, workspace, replace(pinned, action=service + operation[: length + 1])))
        for length in range(len(operation))
    ]
    yield Result(
        f"typing s3:GetObject over {where}, per key",
        median(keys) * 1000,
        "ms",
        PINNED_GOAL_MS,
        note=f"{len(keys)} keys, slowest {max(keys) * 1000:.0f} ms",
    )


def _outcomes(account: Account, question: Question) -> Outcomes | None:
    return QuestionEvaluator(account, question).outcomes()


def _index(plan: Plan) -> Iterator[Result]:
    """What is decided for everybody, without a record of each."""
    workspace = opened(plan.large)
    account = workspace.account
    where = f"{plan.large.principals:,} principals"
    seconds = cpu_seconds(partial(account_index, account))
    yield Result(f"index of {where}", seconds * 1000, "ms", INDEX_GOAL_MS, note="parses every document")
    _compile_all(workspace)
    pinned = Question("s3:GetObject", "arn:aws:s3:::payments-export-prod/2026/data.json")
    _outcomes(account, pinned)
    seconds = median_cpu_seconds([partial(_outcomes, account, pinned) for _ in range(plan.repeats)])
    yield Result(f"outcomes for {where}, repeated", seconds * 1000, "ms", OUTCOMES_GOAL_MS)
    asked = generator.questions(account, plan.repeats * 12, seed=78)
    for which, goal, some in (
        ("first touch", FIRST_TOUCH_GOAL_MS, [one for one in asked if one.resource != "*"]),
        ("first touch of *", OF_A_SET_GOAL_MS, [replace(one, resource="*") for one in asked[::4]]),
    ):
        works = [cpu_seconds(partial(_outcomes, account, question)) for question in some]
        slowest = f"{len(some)} other questions, slowest {max(works) * 1000:.0f} ms"
        yield Result(f"outcomes for {where}, {which}", median(works) * 1000, "ms", goal, note=slowest)
    for action in _OF_SETS:
        question = Question(action)
        _ask_everyone(workspace, question)
        seconds = median_cpu_seconds([partial(_ask_everyone, workspace, question) for _ in range(plan.repeats)])
        yield Result(f"{action} on * by {where}, repeated", seconds * 1000, "ms", OF_A_SET_GOAL_MS)
    nothing = json.dumps(document([{"Effect": "Deny", "Action": "*", "Resource": "*"}]))
    edit = PutInlinePolicy(account.users[0].arn, "nothing", nothing)
    drafted = [
        apply_draft(account, Draft(account.id, "", (edit,)), lambda _: None).account for _ in range(plan.repeats)
    ]
    seconds = median_cpu_seconds([partial(_outcomes, each, pinned) for each in drafted])
    yield Result(f"outcomes for {where} under a new draft", seconds * 1000, "ms", note="its index is made anew")


def _what_can(plan: Plan) -> Iterator[Result]:
    """All actions of the catalogue for one principal, and for each."""
    workspace = opened(plan.large)
    asked = Random(79).sample(principals_of(workspace), plan.repeats * 3)
    for which in ("first touch", "repeated"):
        works = [cpu_seconds(partial(what_can, workspace, principal)) for principal in asked]
        slowest = f"{len(asked)} principals, slowest {max(works) * 1000:.0f} ms"
        yield Result("what one principal can do, " + which, median(works) * 1000, "ms", note=slowest)
    every = EveryAction(workspace.account, with_region(workspace, Question("")), datetime.now(UTC))
    count = len(every.index.principals)
    everybody = range(count)
    size = f"{count:,} principals x {every.space.full.bit_length():,} actions"
    for which in ("first touch", "repeated"):
        seconds = cpu_seconds(partial(_ask_of_each, every, everybody))
        yield Result(f"outcomes of {size}, {which}", seconds * 1000, "ms", MATRIX_GOAL_MS)
    some = Random(80).sample(everybody, min(count, 200))
    works = [cpu_seconds(partial(every.of, place)) for place in some]
    slowest = f"{len(some)} principals, slowest {max(works) * 1000:.1f} ms"
    yield Result(
        "outcomes of every action for one principal", median(works) * 1000, "ms", ONE_ROW_GOAL_MS, note=slowest
    )


def _paths(plan: Plan) -> Iterator[Result]:
    """Who may assume which role, and who can become administrator, in a whole account."""
    workspace = opened(plan.large)
    account_index(workspace.account)
    where = f"{plan.large.principals:,} principals"
    seconds = cpu_seconds(partial(_all_edges, workspace))
    yield Result(f"all edges of role chains of {where}", seconds * 1000, "ms", EDGES_GOAL_MS)
    seconds = cpu_seconds(partial(find_escalations, workspace))
    yield Result(f"all escalation paths of {where}", seconds * 1000, "ms", ESCALATIONS_GOAL_MS)


def _all_edges(workspace: Workspace) -> None:
    for role in workspace.account.roles:
        for _ in who_may_assume(workspace, role):
            pass


def _ask_of_each(every: EveryAction, everybody: Iterable[int]) -> None:
    for place in everybody:
        every.of(place)


def scenarios(count: int, seed: int) -> bytes:
    """JSON lines as a suite of policy tests has them: some documents, and many requests about them."""
    random = Random(seed)
    identity = [
        {"name": f"policy-{index}", "document": customer_document(random, 4)} for index in range(max(4, count // 20))
    ]
    boundaries = [{"name": "boundary", "document": boundary_document(random)} for _ in range(4)]
    full_access = document([{"Effect": "Allow", "Action": "*", "Resource": "*"}])
    everything = {"name": "FullAWSAccess", "document": full_access}
    fences = [{"name": scp_name, "document": text} for scp_name, text in scp_documents()]
    asked = generator.questions(Account(ACCOUNT), count, seed)
    lines: list[str] = []
    for index, question in enumerate(asked):
        scenario: dict[str, Any] = {
            "id": index,
            "request": {
                "principal": f"arn:aws:iam::{ACCOUNT}:user/user-{index % 50:05}",
                "action": question.action,
                "resource": question.resource,
                "context": {"aws:RequestedRegion": "eu-west-1", "aws:SecureTransport": "true"},
            },
            "identity_policies": random.sample(identity, min(3, len(identity))),
            "permissions_boundaries": [random.choice(boundaries)] if random.random() < generator.BOUNDED else [],
            "scps": [[everything, *fences[:2]], [everything, *fences[2:]]],
        }
        lines.append(json.dumps(scenario))
    return "\n".join(lines).encode()


def _simulate(text: bytes) -> None:
    for scenario in read_scenarios(io.BytesIO(text)):
        if isinstance(scenario, MalformedScenario):
            raise TypeError(f"a generated scenario is malformed: {scenario.error.message}")
        json.dumps(decision_to_json(evaluate(scenario.request, scenario.policies, scenario.options), id=scenario.id))


def _scenarios(plan: Plan) -> Result:
    count = max(4, plan.decisions // 4)
    text = scenarios(count, seed=5)
    seconds = median_cpu_seconds([partial(_simulate, text) for _ in range(plan.repeats)])
    return Result(
        "simulate: scenarios, text in, JSON out", count / seconds, "/s", note=f"{len(text) // count:,} bytes each"
    )
