"""Policy variables in condition values and resources (IAM User Guide: policy variables)."""

from __future__ import annotations

import re
from typing import Final

from iamtui.catalog import condition_key
from iamtui.lint.subject import CheckedDocument, quoted
from iamtui.policy.document import ConditionLine, Statement

_VARIABLE: Final = re.compile(r"\$\{([^}]*)\}")
_BODY: Final = re.compile(r"\s*([^,'\s]+)\s*(?:,\s*'[^']*'\s*)?")


def variables_in(text: str) -> list[str]:
    """What stands between `${` and `}`. Nothing is sought behind the last brace, which would take quadratic time."""
    return _VARIABLE.findall(text, 0, text.rfind("}") + 1)


def without_variables(text: str, instead: str = "") -> str:
    end = text.rfind("}") + 1
    return _VARIABLE.sub(lambda _match: instead, text[:end]) + text[end:]


def check_line_variables(subject: CheckedDocument, statement: Statement, line: ConditionLine, family: str) -> None:
    """The variables in the values of one condition line, whose operator is of a family."""
    if not subject.policy.substitutes_variables:
        return
    for i, value in enumerate(line.values):
        if "${" not in value:
            continue
        path = subject.path(statement, f"Condition.{line.operator}.{line.key}", i)
        if family == "bool":
            subject.warning(
                "variable-in-bool",
                "AWS's pages disagree on whether Bool takes policy variables; write true or false.",
                path,
                aws="INVALID_VARIABLE_FOR_OPERATOR",
            )
        elif family not in ("string", "arn"):
            subject.error(
                "variable-not-supported",
                f"{line.operator} does not support policy variables, so {quoted(value)} is compared as it stands.",
                path,
                aws="INVALID_VARIABLE_FOR_OPERATOR",
            )
        else:
            _check_text(subject, value, path)


def check_resource_variables(subject: CheckedDocument, statement: Statement) -> None:
    if not subject.policy.substitutes_variables:
        return
    element = "Resource" if statement.resources is not None else "NotResource"
    for i, entry in enumerate(statement.resources or statement.not_resources or ()):
        if "${" in entry:
            _check_text(subject, entry, subject.path(statement, element, i))


def _check_text(subject: CheckedDocument, text: str, path: str) -> None:
    for body in variables_in(text):
        if body not in ("*", "?", "$"):
            _check_variable(subject, body, path)
    if "${" in without_variables(text):
        subject.error(
            "unclosed-variable",
            f"{quoted(text)} has a policy variable without its closing brace, so it is compared as it stands; add }}.",
            path,
            aws="MISSING_BRACE_IN_VARIABLE",
        )


def _check_variable(subject: CheckedDocument, body: str, path: str) -> None:
    """One variable: well formed, documented, and of a single-valued key."""
    parsed = _BODY.fullmatch(body)
    if parsed is None or ":" not in parsed[1]:
        _malformed(subject, body, path)
        return
    if body.partition(",")[0] != parsed[1]:
        subject.warning(
            "malformed-variable",
            f"{quoted('${' + body + '}')} has a space beside the key, which AWS does not support; remove it.",
            path,
            aws="UNSUPPORTED_SPACE_IN_VARIABLE",
        )
    key = condition_key(parsed[1])
    if parsed[1].lower() == "aws:arn":
        subject.warning(
            "deprecated-key",
            "aws:ARN is deprecated; write aws:PrincipalArn or aws:SourceArn.",
            path,
            aws="DEPRECATED_GLOBAL_CONDITION_KEY",
        )
    elif key is None:
        subject.warning(
            "unknown-variable",
            f"AWS documents no condition key {quoted(parsed[1])}, so the variable never has a value.",
            path,
            aws="INVALID_GLOBAL_CONDITION_KEY" if parsed[1].lower().startswith("aws:") else None,
        )
    elif key.multivalued:
        subject.warning(
            "multivalued-variable",
            f"{quoted(parsed[1])} can hold several values, and such a variable has no value; use another key.",
            path,
        )


def _malformed(subject: CheckedDocument, body: str, path: str) -> None:
    key, comma, default = body.partition(",")
    default = default.strip()
    if not body.strip():
        issue: str | None = "EMPTY_VARIABLE"
    elif comma and not (len(default) > 1 and default[0] == default[-1] == "'"):
        issue = "MISSING_QUOTE_IN_VARIABLE"
    else:
        issue = "UNSUPPORTED_SPACE_IN_VARIABLE" if " " in key.strip() else None
    subject.warning(
        "malformed-variable",
        f"{quoted('${' + body + '}')} is not a valid policy variable, so it never has a value; "
        "write ${key} or ${key, 'default'}.",
        path,
        aws=issue,
    )
