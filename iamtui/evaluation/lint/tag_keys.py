"""aws:ResourceTag in statements about actions whose requests do not carry it (IAM User Guide: ABAC)."""

from __future__ import annotations

from typing import Final

from iamtui.catalog import catalogue
from iamtui.evaluation.lint.matching import is_wild
from iamtui.evaluation.lint.subject import Level, Subject, named
from iamtui.policy.document import ConditionLine, Statement
from iamtui.policy.operators import parse_operator

_KEY: Final = "aws:resourcetag/"


def check_tag_keys(subject: Subject, statement: Statement) -> None:
    """Whether what a statement is about can be told apart by tags at all."""
    line = next((line for line in statement.conditions if _needs_tag(line)), None)
    if line is None:
        return
    denies = statement.effect == "Deny"
    level = Level.WARNING if denies else Level.SUGGESTION
    if statement.not_actions is not None:
        subject.report(
            level,
            "tag-key-with-not-action",
            f"Many actions carry no {line.key}, and this statement does not {statement.effect.lower()} them; "
            "list the actions.",
            subject.path(statement, "NotAction"),
            statement,
            aws=f"{statement.effect.upper()}_NOTACTION_WITH_UNSUPPORTED_TAG_CONDITION_KEY_FOR_SERVICE",
        )
        return
    lacking = [(i, entry) for i, entry in enumerate(statement.actions or ()) if _lacks_tags(entry)]
    if not lacking:
        return
    names = [entry for _, entry in lacking]
    carry = "carries" if len(names) == 1 else "carry"
    subject.report(
        level,
        "tag-key-not-carried",
        f"{named(names)} {carry} no {line.key}, so this statement does not {statement.effect.lower()} "
        f"{'it' if len(names) == 1 else 'them'}; use a statement without the key.",
        subject.path(statement, "Action", lacking[0][0]),
        statement,
        aws=f"{statement.effect.upper()}_WITH_UNSUPPORTED_TAG_CONDITION_KEY_FOR_SERVICE",
        count=len(lacking),
    )


def _needs_tag(line: ConditionLine) -> bool:
    """Whether a line about a resource tag fails where the request does not carry it."""
    operator = parse_operator(line.operator)
    return (
        line.key.lower().startswith(_KEY)
        and operator is not None
        and operator.base != "null"
        and not operator.negated
        and not operator.if_exists
    )


def _lacks_tags(entry: str) -> bool:
    """Whether no action of an entry carries aws:ResourceTag; entries for part of a service are left alone."""
    known = catalogue()
    service, _, name = entry.partition(":")
    if name == "*" and not is_wild(service):
        actions = known.actions_of(service)
    elif not is_wild(entry):
        actions = (entry,)
    else:
        return False
    infos = [known.action(action) for action in actions]
    return bool(infos) and all(
        info is not None and not any(key.lower().startswith(_KEY) for key in info.all_condition_keys) for info in infos
    )
