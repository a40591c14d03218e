"""What AWS would refuse of the policies that were read, and how the decision has read it all the same."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from iamtui.engine.condition_words import MOST_NAMED
from iamtui.engine.decision import Layer, Outcome
from iamtui.engine.evaluation import Evaluation
from iamtui.engine.layer_reports import name_of_statement
from iamtui.engine.policy_sets import LayerStatement
from iamtui.policy.conditions import ComparisonResult, CompiledCondition, parse_policy_bool
from iamtui.policy.document import Statement
from iamtui.policy.malformed import action_fault, key_fault, may_mean, misplaced_principal, resource_fault
from iamtui.policy.statement import ActionName, CompiledStatement
from iamtui.text import safe_text

_WITHOUT_PRINCIPAL: Final = (Layer.IDENTITY, Layer.SESSION, Layer.BOUNDARY, Layer.SCP)


def ignored_principals(reading: Evaluation) -> Iterator[str]:
    """One sentence each on the statements about the action that name a Principal where no policy can."""
    found = list(dict.fromkeys(_ignored_principals(reading)))
    yield from found[:MOST_NAMED]
    if len(found) > MOST_NAMED:
        yield f"{len(found) - MOST_NAMED:,} more statements have a Principal, which AWS would refuse."


def _ignored_principals(reading: Evaluation) -> Iterator[str]:
    for layer, _, policies in reading.sets():
        for member in policies.about(reading.prepared.action) if layer in _WITHOUT_PRINCIPAL else ():
            element = misplaced_principal(member.compiled.statement)
            if element:
                where = name_of_statement(member.policy, member.compiled.statement)
                yield f"{where} has {element}, which AWS would refuse in such a policy: it is read without it."


def unproved_statements(reading: Evaluation) -> Iterator[str]:
    """The statements that match, or do not, only because of what is not as AWS has it: what AWS does is not known."""
    found = list(_unproved(reading))
    denies = [one for one in found if not one[0].compiled.allows and not one[2]]
    others = [one for one in found if one not in denies]
    for member, what, matches in (*denies[:MOST_NAMED], *others[:MOST_NAMED]):
        statement = member.compiled.statement
        sid = safe_text(statement.sid, limit=128) if statement.sid else f"statement {statement.index + 1}"
        yield (
            f"The {statement.effect} {sid} of {safe_text(member.policy.name, limit=256)} {what}: it is taken "
            f"{'to match' if matches else 'not to match'}, and that cannot be proved."
        )
    if len(denies) > MOST_NAMED:
        yield f"{len(denies) - MOST_NAMED:,} more Denies cannot be compared: they are taken not to match, too."
    if len(others) > MOST_NAMED:
        yield f"{len(others) - MOST_NAMED:,} more statements have elements of a form that AWS would refuse."


def _unproved(reading: Evaluation) -> Iterator[tuple[LayerStatement, str, bool]]:
    """Each such statement that can matter for the outcome, what it has, and whether it is taken to match."""
    denied, allowed = reading.outcome is Outcome.EXPLICIT_DENY, reading.outcome is Outcome.ALLOWED
    for layer, scanned, policies in reading.sets():
        for member in policies.doubtful(reading.asked.action):
            found = _taken_for_granted(reading, layer, member)
            if found is None:
                continue
            what, matches = found
            if member.compiled.allows:
                matters = not denied and (matches or not (allowed or scanned.allow is True))
            else:
                matters = denied is matches
            if matters:
                yield member, what, matches


def _taken_for_granted(reading: Evaluation, layer: Layer, member: LayerStatement) -> tuple[str, bool] | None:
    """What of a statement cannot be compared, and whether it is taken to match; None where nothing hangs on that."""
    doubts = list(_doubts(reading, layer, member))
    if None in doubts:
        return None
    # What keeps it from matching decides, whatever else is taken to let it match.
    return min((doubt for doubt in doubts if doubt is not None), key=lambda doubt: doubt[1], default=None)


def _doubts(reading: Evaluation, layer: Layer, member: LayerStatement) -> Iterator[tuple[str, bool] | None]:
    """What cannot be compared, each with whether it is taken to match; None for what rules the statement out."""
    compiled = member.compiled
    statement = compiled.statement
    nobody_named = not (statement.principals or statement.not_principals)
    if nobody_named and not compiled.allows and layer in (Layer.RESOURCE, Layer.RCP):
        yield "names no Principal", False
    elif not reading.is_reached(layer, member):
        yield None
        return
    is_about = member.is_about(reading.asked.action)
    action = _doubtful_action(statement, reading.asked.action, is_about=is_about)
    if action is not None:
        yield action, is_about
    elif not is_about:
        yield None
        return
    for condition in compiled.conditions:
        if condition.operator is None and not compiled.allows:
            # It leaves the answer open, which needs no note.
            continue
        holds = condition.test(reading.context) is not False
        bad = _what_is_bad(condition, reading) if not (holds and condition.key) else None
        if bad is not None:
            yield bad, holds
        elif not holds:
            yield None
            return
    about = compiled.matches_resource(reading.prepared.resource, reading.context, reading.language, everywhere=False)
    resource = _doubtful_resource(compiled, is_about=about is not False)
    if resource is not None:
        yield resource, about is not False
    elif about is False:
        yield None


def _doubtful_action(statement: Statement, action: ActionName, *, is_about: bool) -> str | None:
    """What of the Action or NotAction could be meant to name an action, or not to except it."""
    negated = statement.not_actions is not None
    element = "NotAction" if negated else "Action"
    entries = (statement.not_actions if negated else statement.actions) or ()
    if not entries:
        return f"has an empty {element}"
    for entry in entries if is_about is negated else ():
        fault, _ = action_fault(entry)
        if fault and may_mean(entry, action.service, action.name):
            return f'has the {element} "{safe_text(entry, limit=128)}", which {fault}'
    return None


def _doubtful_resource(compiled: CompiledStatement, *, is_about: bool) -> str | None:
    """What of the Resource or NotResource could be meant to name a resource, or not to except it."""
    element = compiled.resource
    if element.matcher is None:
        return None if element.implied else "has neither Resource nor NotResource"
    name = "NotResource" if element.negated else "Resource"
    if not element.matcher.texts:
        return f"has an empty {name}"
    for entry in element.matcher.texts if is_about is element.negated else ():
        fault = resource_fault(entry)
        if fault:
            return f'has the {name} "{safe_text(entry, limit=128)}", which {fault}'
    return None


def _what_is_bad(condition: CompiledCondition, reading: Evaluation) -> str | None:
    """Why a condition cannot be compared, or None where it can."""
    line = condition.line
    if condition.operator is None:
        return f"has the condition operator {safe_text(line.operator, limit=128)}, which AWS does not have"
    key = safe_text(line.key, limit=256)
    if not condition.key:
        # Absent, which a negated operator or Null takes for met.
        return f'has the condition key "{key}", which {key_fault(line.key)}'
    cannot = f"which {safe_text(line.operator, limit=128)} cannot compare"
    if condition.operator.base == "null":
        wrong = next((value for value in line.values if parse_policy_bool(value) is None), None)
        return None if wrong is None else f'has for {key} the value "{safe_text(wrong, limit=128)}", {cannot}'
    seen = reading.context.lookup(condition.key)
    for value in seen if isinstance(seen, tuple) else ():
        for wanted, outcome in zip(line.values, condition.compare(value, reading.context), strict=True):
            if outcome is ComparisonResult.BAD_PATTERN:
                return f'has for {key} the value "{safe_text(wanted, limit=128)}", {cannot}'
            if outcome is ComparisonResult.BAD_VALUE:
                return f'reads {key}, and the request has "{safe_text(value, limit=128)}", {cannot}'
    return None
