"""What is said where the caller is a session that an earlier command put into the environment."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final

from iamtui.cli.output import note
from iamtui.credentials import variables
from iamtui.problem import Problem
from iamtui.workspace.assume.chaining import is_session_of
from iamtui.workspace.workspace import SourceKind, Workspace

_KEYS: Final = (variables.ACCESS_KEY_ID, variables.SECRET_ACCESS_KEY, variables.SESSION_TOKEN)
_UNSET: Final = f"unset {', '.join((*_KEYS, variables.EXPIRATION))}"
_INSTEAD: Final = "start from what it was assumed with: --profile BASE"


def session_in_environment(environ: Mapping[str, str]) -> bool:
    """Whether the keys of the environment are those of a session."""
    return all(environ.get(name) for name in _KEYS)


def say_itself(workspace: Workspace, role_arn: str) -> None:
    """Say it when the caller is a session of the role that is to be assumed: that does not renew it."""
    if not is_session_of(workspace, role_arn):
        return
    if calls_by_environment(workspace):
        note(
            "The credentials of the environment are a session of this role already, perhaps of an earlier eval: to "
            f"renew it, {_INSTEAD}, or {_UNSET} first."
        )
    else:
        note(f"The caller is a session of this role already: to renew it, {_INSTEAD}.")


@contextmanager
def told_of_the_session(by_environment: bool) -> Iterator[None]:
    """Say, when something fails, that the caller was a session from the environment, and what to do about it.

    Args:
        by_environment: whether the environment's keys are the caller's, where it has keys.
    """
    try:
        yield
    except Problem:
        if by_environment and session_in_environment(os.environ):
            note(
                "The caller was the session in the environment, perhaps of an earlier eval. If it shall not be, "
                f"{_INSTEAD}, or {_UNSET} first."
            )
        raise


def calls_by_environment(workspace: Workspace) -> bool:
    """Whether the workspace's own caller is the one of the environment's keys, where it has keys."""
    return workspace.source.kind is SourceKind.LIVE and not workspace.source.profile
