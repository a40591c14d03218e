"""The state of every layer with one sentence that says why; what AWS would refuse of the policies that were read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from iamtui.engine.combined_layers import Evaluation
from iamtui.engine.condition_words import MOST_NAMED
from iamtui.engine.decision import ONLY_UNDER_CONDITIONS, Layer, LayerReport, LayerState, Outcome, short_policy_name
from iamtui.engine.layers import LayerScan, LevelScan, Match
from iamtui.engine.policy_sets import LayerStatement
from iamtui.engine.request import NamedPolicy, NotEvaluated, PrincipalKind
from iamtui.engine.service_rules import closed_to_others
from iamtui.policy.conditions import ComparisonResult, CompiledCondition
from iamtui.policy.document import Statement, action_fault, key_fault, may_mean, misplaced_principal, resource_fault
from iamtui.policy.statement import ActionName, CompiledStatement, nobody_named
from iamtui.policy.values import parse_policy_bool
from iamtui.text import counted, safe_text


def _absent(layer: Layer, why: str) -> LayerReport:
    return LayerReport(layer, LayerState.NOT_APPLICABLE, why)


_NO_RESOURCE_POLICY: Final = _absent(Layer.RESOURCE, "The resource has no policy.")
_NO_SESSION_POLICY: Final = _absent(Layer.SESSION, "No session policy.")
_NO_BOUNDARY: Final = _absent(Layer.BOUNDARY, "No permissions boundary.")
_NO_ENDPOINT: Final = _absent(Layer.VPC_ENDPOINT, "The request does not come through a VPC endpoint with a policy.")
_NO_PUBLIC_GATE: Final = _absent(Layer.BLOCK_PUBLIC_ACCESS, "Block Public Access does not concern this request.")
_NO_SERVICE_RULE: Final = _absent(Layer.SERVICE_RULE, "No service rule overrides the policies here.")
_NO_SCP: Final = _absent(Layer.SCP, "The caller's account is under no SCP.")
_NO_RCP: Final = _absent(Layer.RCP, "No RCP applies to this resource and action.")
_SCP_EXEMPT: Final = _absent(Layer.SCP, "SCPs do not bind this caller.")
_SCP_MANAGEMENT: Final = _absent(Layer.SCP, "SCPs do not bind the management account.")
_NOT_ALL: Final = "Allows only some of what is granted."
_NOT_EACH: Final = {
    Layer.SESSION: "Not each of the session policies allows it.",
    Layer.SCOPE_DOWN: "Not every scope-down policy allows it.",
}
_EVERY_LEVEL: Final = "Every level has an SCP that allows it"
_NO_RCP_DENIES: Final = "No RCP denies it"
_SCPS_ALLOW: Final = LayerReport(Layer.SCP, LayerState.ALLOWS, f"{_EVERY_LEVEL}.")
_RCPS_ALLOW: Final = LayerReport(Layer.RCP, LayerState.ALLOWS, f"{_NO_RCP_DENIES}.")
_ROOT_IDENTITY: Final = _absent(Layer.IDENTITY, "The root user needs no identity policy.")
_NO_IDENTITY: Final = _absent(Layer.IDENTITY, "This caller has no identity policies.")
FEDERATED_NEEDS_SESSION_POLICY: Final = LayerReport(
    Layer.SESSION,
    LayerState.SILENT,
    "A federated-user session without session policies has no permissions from its issuer.",
)


def layer_reports(reading: Evaluation) -> tuple[LayerReport, ...]:
    """One report for each layer, in their order; for scope-downs where there are any."""
    missing = reading.not_evaluated
    return (
        _identity(reading),
        _resource(reading),
        _plain(Layer.SESSION, reading.session, missing) or _session_absent(reading),
        *(() if reading.scope_down is None else (_kept(Layer.SCOPE_DOWN, reading.scope_down),)),
        _plain(Layer.BOUNDARY, reading.boundary, missing) or _NO_BOUNDARY,
        _levels(Layer.SCP, reading.scps, missing) or _scp_absent(reading),
        _levels(Layer.RCP, reading.rcps, missing) or _NO_RCP,
        _plain(Layer.VPC_ENDPOINT, reading.vpc_endpoint, missing) or _NO_ENDPOINT,
        _public_access(reading),
        _service_rule(reading),
    )


def statement_name(match: Match) -> str:
    """`policy / Sid` or `policy / statement 2`, for a sentence; safe to show."""
    return name_of_statement(match.policy, match.statement.statement)


def name_of_statement(policy: NamedPolicy, statement: Statement) -> str:
    """The same of a statement that need not have matched."""
    sid = safe_text(statement.sid, limit=128) if statement.sid else f"statement {statement.index + 1}"
    return f"{short_policy_name(policy.name)} / {sid}"


def _not_evaluated(layer: Layer, missing: dict[Layer, NotEvaluated]) -> LayerReport | None:
    found = missing.get(layer)
    return None if found is None else LayerReport(layer, LayerState.NOT_EVALUATED, f"{_why_not(found)}.")


def _why_not(missing: NotEvaluated) -> str:
    needs = f" (needs {missing.permission})" if missing.permission else ""
    return f"Not evaluated: {missing.reason}{needs}"


def _plain(layer: Layer, scanned: LayerScan | None, missing: dict[Layer, NotEvaluated]) -> LayerReport | None:
    if scanned is None:
        return _not_evaluated(layer, missing) if missing else None
    return _kept(layer, scanned)


def _kept(layer: Layer, scanned: LayerScan) -> LayerReport:
    """The report of a scan, made once: shared scans say the same to all who have them."""
    if scanned.report is None:
        scanned.report = _scanned(layer, scanned)
    assert isinstance(scanned.report, LayerReport)
    return scanned.report


def _scanned(layer: Layer, scanned: LayerScan, *, silent: str = "No statement allows it.") -> LayerReport:
    if scanned.deny is True:
        return LayerReport(layer, LayerState.DENIES, f"{_first(scanned, allows=False)} denies it.")
    unless = ""
    if scanned.deny is not False:
        unless = f", unless {_first(scanned, allows=False, undetermined=True)} turns out to deny it"
    if scanned.allow is True:
        return LayerReport(layer, LayerState.ALLOWS, f"{_first(scanned, allows=True)} allows it{unless}.")
    if scanned.allow is not False:
        return LayerReport(layer, LayerState.SILENT, f"{_may_allow(scanned)}{unless}.")
    if scanned.partly:
        silent = _NOT_ALL
    elif layer in _NOT_EACH and any(match.statement.allows for match in scanned.matches):
        silent = _NOT_EACH[layer]
    return LayerReport(layer, LayerState.SILENT, silent if not unless else f"{silent[:-1]}{unless}.")


def _may_allow(scanned: LayerScan) -> str:
    """Words for a statement or policy that may allow it, depending on unknowns."""
    allowing = [match for match in scanned.matches if match.statement.allows]
    for match in allowing:
        if match.truth is not True:
            return f"{statement_name(match)} allows it {ONLY_UNDER_CONDITIONS}"
    if not scanned.missing:
        # Of a set: what matches some of its resources for certain may not match the others.
        return f"{statement_name(allowing[0])} allows all of it {ONLY_UNDER_CONDITIONS}"
    unknown = scanned.missing[0]
    what = "cannot be read" if unknown.unreadable else "is not loaded"
    return f"{short_policy_name(unknown.name)} may allow it, but its document {what}"


def _first(scanned: LayerScan, *, allows: bool, undetermined: bool = False) -> str:
    for match in scanned.matches:
        if match.statement.allows is allows and (match.truth is True or undetermined):
            return statement_name(match)
    return short_policy_name(scanned.missing[0].name) if scanned.missing else "a statement"


def _identity(reading: Evaluation) -> LayerReport:
    if reading.identity is not None:
        return _kept(Layer.IDENTITY, reading.identity)
    not_evaluated = _not_evaluated(Layer.IDENTITY, reading.not_evaluated)
    if not_evaluated is not None:
        return not_evaluated
    return _ROOT_IDENTITY if reading.request.principal.kind is PrincipalKind.ROOT else _NO_IDENTITY


def _resource(reading: Evaluation) -> LayerReport:
    not_evaluated = _not_evaluated(Layer.RESOURCE, reading.not_evaluated)
    if not_evaluated is not None:
        return not_evaluated
    scanned = reading.resource
    if scanned is None:
        prepared, kind = reading.prepared, reading.request.principal.kind
        closed = "" if reading.same_account else closed_to_others(prepared.action, kind, prepared.arn)
        if closed:
            return LayerReport(Layer.RESOURCE, LayerState.SILENT, closed)
        if reading.must_admit:
            what = "trust policy" if reading.prepared.trust else "key policy"
            return LayerReport(Layer.RESOURCE, LayerState.SILENT, f"No {what} lets the caller in.")
        return _NO_RESOURCE_POLICY
    if reading.resource_denies_ignored and scanned.deny is not False:
        return LayerReport(
            Layer.RESOURCE, LayerState.ALLOWS, "The bucket owner's root user may always repair the bucket policy."
        )
    what = "trust policy" if reading.prepared.trust else "resource policy"
    return _scanned(Layer.RESOURCE, scanned, silent=f"No statement of the {what} lets the caller in.")


def _session_absent(reading: Evaluation) -> LayerReport:
    return FEDERATED_NEEDS_SESSION_POLICY if reading.session_passes() is False else _NO_SESSION_POLICY


def _scp_absent(reading: Evaluation) -> LayerReport:
    if reading.policies.principal_in_management_account:
        return _SCP_MANAGEMENT
    return _SCP_EXEMPT if reading.policies.scps else _NO_SCP


def _levels(
    layer: Layer, levels: tuple[LevelScan, ...] | None, missing: dict[Layer, NotEvaluated]
) -> LayerReport | None:
    if levels is None:
        return _not_evaluated(layer, missing) if missing else None
    for level in levels:
        if level.scan.deny is True:
            return LayerReport(layer, LayerState.DENIES, f"{_first(level.scan, allows=False)} {_at(level)} denies it.")
    if layer is Layer.SCP:
        for level in levels:
            if level.scan.allow is False:
                why = f"The SCPs {_at(level)} allow only some of what is granted."
                return LayerReport(
                    layer, LayerState.SILENT, why if level.scan.partly else f"No SCP {_at(level)} allows it."
                )
    undecided = [level for level in levels if level.scan.deny is not False]
    unless = ""
    if undecided:
        name = _first(undecided[0].scan, allows=False, undetermined=True)
        unless = f", unless {name} {_at(undecided[0])} turns out to deny it"
    if layer is Layer.SCP:
        for level in levels:
            if level.scan.allow is not True:
                why = f"The SCPs {_at(level)} allow it {ONLY_UNDER_CONDITIONS}{unless}."
                return LayerReport(layer, LayerState.SILENT, why)
    if layer in missing:
        return LayerReport(layer, LayerState.NOT_EVALUATED, f"{_why_not(missing[layer])}{unless}.")
    if layer is Layer.SCP:
        return _SCPS_ALLOW if not unless else LayerReport(layer, LayerState.ALLOWS, f"{_EVERY_LEVEL}{unless}.")
    return _RCPS_ALLOW if not unless else LayerReport(layer, LayerState.ALLOWS, f"{_NO_RCP_DENIES}{unless}.")


def level_report(layer: Layer, level: LevelScan) -> LayerReport:
    """Report of one level of SCPs or RCPs by itself; an RCP need not allow."""
    scanned = level.scan
    if layer is Layer.RCP and scanned.deny is not True:
        unless = ""
        if scanned.deny is not False:
            unless = f", unless {_first(scanned, allows=False, undetermined=True)} turns out to deny it"
        return LayerReport(layer, LayerState.ALLOWS, f"No RCP of this level denies it{unless}.")
    return _scanned(layer, scanned, silent="No SCP of this level allows it.")


def _at(level: LevelScan) -> str:
    return f"at level {level.index}" + (f" ({level.name})" if level.name else "")


def _public_access(reading: Evaluation) -> LayerReport:
    if reading.block_public_access_closes:
        why = "RestrictPublicBuckets rejects callers of other accounts, because the bucket policy is public."
        return LayerReport(Layer.BLOCK_PUBLIC_ACCESS, LayerState.DENIES, why)
    return _not_evaluated(Layer.BLOCK_PUBLIC_ACCESS, reading.not_evaluated) or _NO_PUBLIC_GATE


def _service_rule(reading: Evaluation) -> LayerReport:
    if reading.free is not None:
        return LayerReport(Layer.SERVICE_RULE, LayerState.ALLOWS, reading.free)
    if reading.refused is not None:
        return LayerReport(Layer.SERVICE_RULE, LayerState.DENIES, reading.refused)
    if reading.rule is not None:
        return LayerReport(Layer.SERVICE_RULE, LayerState.SILENT, reading.rule.why)
    return _NO_SERVICE_RULE


_WITHOUT_PRINCIPAL: Final = (Layer.IDENTITY, Layer.SESSION, Layer.SCOPE_DOWN, Layer.BOUNDARY, Layer.SCP)


def ignored_principals(reading: Evaluation) -> Iterator[str]:
    """One sentence each on the statements about the action that name a Principal where no policy can."""
    found = list(dict.fromkeys(_ignored_principals(reading)))
    yield from found[:MOST_NAMED]
    if len(found) > MOST_NAMED:
        yield f"AWS would refuse the Principal of {counted(len(found) - MOST_NAMED, 'more statement')}, too."


def _ignored_principals(reading: Evaluation) -> Iterator[str]:
    for layer, _, policies in reading.sets():
        for member in policies.about(reading.prepared.action) if layer in _WITHOUT_PRINCIPAL else ():
            element = misplaced_principal(member.compiled.statement)
            if element:
                where = name_of_statement(member.policy, member.compiled.statement)
                yield f"{where} has {element}, which AWS would refuse in such a policy: it is read without it."
        for member in policies.about(reading.prepared.action) if layer in (Layer.RESOURCE, Layer.RCP) else ():
            for entry in nobody_named(member.compiled.statement):
                where = name_of_statement(member.policy, member.compiled.statement)
                named = safe_text(entry.value, limit=256)
                yield f"{where} names {named}, which is not a principal of AWS: it matches nobody."


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
        yield f"The same holds for {counted(len(denies) - MOST_NAMED, 'more Deny', 'more Denies')}."
    if len(others) > MOST_NAMED:
        yield f"AWS would refuse the form of {counted(len(others) - MOST_NAMED, 'more statement')}, too."


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
    """Doubtful element of a statement, and True if it is assumed to match; None where nothing depends on it."""
    doubts = list(_doubts(reading, layer, member))
    if None in doubts:
        return None
    # What keeps it from matching decides, whatever else is taken to let it match.
    return min((doubt for doubt in doubts if doubt is not None), key=lambda doubt: doubt[1], default=None)


def _doubts(reading: Evaluation, layer: Layer, member: LayerStatement) -> Iterator[tuple[str, bool] | None]:
    """Doubtful elements, each with True if it is assumed to match; None for one that rules the statement out."""
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
    """Fault of an Action or NotAction that may be meant to name an action, or not to except it."""
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
    """Fault of a Resource or NotResource that may be meant to name a resource, or not to except it."""
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
