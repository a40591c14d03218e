"""Resolving what a user typed for a principal or a role, against the account."""

from __future__ import annotations

from iamtui.account.model import Role, User
from iamtui.evaluation.request import Principal
from iamtui.problem import Problem
from iamtui.workspace.workspace import Workspace


class UnknownPrincipal(Problem):
    """No principal, or more than one, answers to the text; `nearest` lists up to five ARNs or names."""

    def __init__(self, sentence: str, next_step: str = "", nearest: tuple[str, ...] = ()) -> None:
        super().__init__(sentence, next_step)
        self.nearest = nearest


def principal_for(workspace: Workspace, entity: User | Role) -> Principal:
    """The Principal that asks when this user (long-term keys) or role (some session of it) is meant."""
    raise NotImplementedError


def resolve_principal(workspace: Workspace, text: str) -> Principal:
    """Turn an ARN, unique id, `user/NAME`, `role/NAME` (path optional), `root`, service name, `anonymous`
    or an unambiguous bare name into a Principal.

    Raises:
        UnknownPrincipal: nobody, or several, answer to it.
    """
    raise NotImplementedError


def caller_principal(workspace: Workspace) -> Principal | None:
    """The Principal behind the workspace's own caller, or None when unknown."""
    raise NotImplementedError
