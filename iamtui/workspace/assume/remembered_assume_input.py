"""Last inputs for assuming roles, without secrets.

One JSON object, UTF-8: `assume.json` in the data folder, readable by its owner only:

    "version":  1
    "roles":    [{"account", "role_arn", "duration_seconds", "session_name", "mfa_serial", "caller", "policy",
                  "policy_arns", "tags": [[key, value]], "transitive_tag_keys", "source_identity"}]   the latest first

    account        the caller's account, or "demo"
    session_name   "" where it was the default, which follows the caller
    mfa_serial     the device of `caller`, which nobody else is offered

MFA codes are never in it, and external ids neither: AWS does not call them secrets, but whoever has one can pose as
the third party that it was agreed on with. What is damaged is left out, and goes with the next entry.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import msgspec
from msgspec import Struct, field, structs

from iamtui.account.model import Account, Missing
from iamtui.credentials.assume_role import AssumeRoleInput, MfaWay
from iamtui.credentials.secure_files import locked, replace_file
from iamtui.credentials.session import AssumeExtras
from iamtui.input_files import read_document
from iamtui.paths import data_folder, exposure
from iamtui.policy.types import PolicyType
from iamtui.problem import Problem
from iamtui.text import safe_text
from iamtui.typed_json import prepared
from iamtui.workspace.assume.assume_plan import default_session_name
from iamtui.workspace.source.inventory import documents_in
from iamtui.workspace.source.workspace import SourceKind, Workspace

VERSION: Final = 1
LARGEST: Final = 8 * 1024 * 1024
"""Bytes that are read at most."""

MOST_ROLES: Final = 200
"""Roles whose input is kept, the latest."""


@dataclass(frozen=True, slots=True)
class _Remembered:
    """Last input for one role, with its owner."""

    account: str
    caller: str
    entered: AssumeRoleInput

    @property
    def key(self) -> tuple[str, str]:
        return self.account, self.entered.role_arn

    @classmethod
    def read(cls, raw: msgspec.Raw) -> _Remembered:
        """An entry of the file, with its inputs side by side; never a secret.

        Raises:
            ValueError: it is damaged.
        """
        owner = _OWNER.decode(raw)
        entered = replace(_ENTERED.decode(raw), extras=_EXTRAS.decode(raw))
        return cls(owner.account, owner.caller, _kept(entered))

    def written(self) -> dict[str, Any]:
        entered = self.entered
        return {
            "account": self.account,
            "role_arn": entered.role_arn,
            "duration_seconds": entered.duration_seconds,
            "session_name": entered.session_name,
            "mfa_serial": entered.mfa_serial,
            "caller": self.caller,
            **structs.asdict(entered.extras),
        }


def _kept(entered: AssumeRoleInput) -> AssumeRoleInput:
    """The parts of an input that may be kept."""
    return replace(entered, external_id="", mfa_code=None, mfa_way=MfaWay.DIRECT)


class _Owner(Struct, frozen=True):
    """Owner of an entry."""

    account: str
    caller: str = ""


class _FileForm(Struct, frozen=True):
    """The whole file, its entries unread."""

    version: int = VERSION
    roles: list[msgspec.Raw] = field(default_factory=list)


_OWNER: Final = msgspec.json.Decoder(prepared(_Owner))
_EXTRAS: Final = msgspec.json.Decoder(prepared(AssumeExtras))
_ENTERED: Final = msgspec.json.Decoder(prepared(AssumeRoleInput))
_FILE: Final = msgspec.json.Decoder(prepared(_FileForm))


def remembered_path() -> Path:
    """Where input is kept; it need not exist."""
    return data_folder() / "assume.json"


def remembered_input(workspace: Workspace, role_arn: str) -> AssumeRoleInput | None:
    """The last input for this role by a caller of the same account; None when nothing is known.

    It has neither an external id nor an MFA code, and "" for a session name that was the default. Blocking for file
    access; never raises: what cannot be read is not there.
    """
    account, caller = _keys(workspace)
    try:
        roles = _read(remembered_path())
    except Problem:
        return None
    found = next((one for one in roles if one.key == (account, role_arn)), None)
    if found is None or not account:
        return None
    return found.entered if found.caller == caller else replace(found.entered, mfa_serial="")


def remember_input(workspace: Workspace, entered: AssumeRoleInput) -> None:
    """Keep what was entered, without external id and MFA code. Blocking for file access.

    Where the caller is not known, nothing is kept.

    Raises:
        Problem: the file cannot be written, or a newer iamtui wrote it.
    """
    account, caller = _keys(workspace)
    if not account:
        return
    is_default = entered.session_name == default_session_name(workspace)
    kept = replace(_kept(entered), session_name="" if is_default else entered.session_name)
    remembered = _Remembered(account, caller if entered.mfa_serial else "", kept)
    _put(remembered_path(), remembered.key, remembered)


def forget_input(workspace: Workspace, role_arn: str) -> None:
    """Forget what was entered for a role. Blocking for file access.

    Raises:
        Problem: the file cannot be written, or a newer iamtui wrote it.
    """
    _put(remembered_path(), (_keys(workspace)[0], role_arn), None)


def _keys(workspace: Workspace) -> tuple[str, str]:
    """The account that input is kept under ("" where the caller is not known), and the caller."""
    fact = workspace.account.caller_arn
    caller = "" if isinstance(fact, Missing) else fact.value
    if workspace.source.kind is SourceKind.DEMO:
        return "demo", caller
    return (caller.split(":")[4] if caller.count(":") >= 5 else ""), caller


def _read(path: Path) -> list[_Remembered]:
    """The entries that can be read.

    Raises:
        Problem: a newer iamtui wrote the file.
    """
    if exposure(path) is not None:
        # Somebody else could have entered it.
        return []
    try:
        data = read_document(path, "What was entered", most=LARGEST, pipes=False)
        whole = _FILE.decode(data)
    except (Problem, ValueError, RecursionError):
        # ValueError: JSON, UTF-8 and form.
        return []
    if whole.version > VERSION:
        raise Problem(
            f"The file {safe_text(path)} is of version {whole.version}, and version {VERSION} is written here.",
            "Use a newer iamtui, or move the file away.",
        )
    roles: list[_Remembered] = []
    for raw in whole.roles:
        try:
            roles.append(_Remembered.read(raw))
        except (ValueError, RecursionError):
            continue
    return roles


def _put(path: Path, key: tuple[str, str], latest: _Remembered | None) -> None:
    def changed(before: list[_Remembered]) -> list[_Remembered]:
        rest = [old for old in before if old.key != key]
        return [latest, *rest][:MOST_ROLES] if latest is not None else rest

    before = _read(path)
    if changed(before) == before:
        return
    with locked(path):
        try:
            whole = {"version": VERSION, "roles": [one.written() for one in changed(_read(path))]}
            replace_file(path, msgspec.json.format(msgspec.json.encode(whole), indent=2) + b"\n")
        except UnicodeEncodeError:
            raise Problem("The input has half of a character (a lone surrogate), so it is not remembered.") from None
        except OSError as error:
            raise Problem(
                f"What was entered cannot be remembered: {safe_text(path)}: {error.strerror}.", "Check the folder."
            ) from None


# The role ARNs that somebody who wants to assume a role may mean.


_ROLE_ARN: Final = re.compile(r"arn:aws[a-z-]*:iam::[0-9]{12}:role/[\x21-\x7e]+")
_OPEN: Final = re.compile(r"[*?]|\$\{")
_ASSUMING: Final = frozenset(("*", "sts:*", "sts:assume*", "sts:assumerole", "sts:assumerole*"))
"""The ways in which policies write an action that covers sts:AssumeRole, in lower case."""


def role_arns(account: Account, recent: Iterable[str] = ()) -> Mapping[str, str]:
    """Every role ARN known here, with a word on where from, the likeliest first.

    These are recent ones, what policies of the account let somebody assume (IAM User Guide: Grant a user permissions
    to switch roles), and the account's own roles.

    Args:
        recent: ARNs that were used before, newest first.
    """
    known = dict.fromkeys(recent, "recent")
    for arn in named_in_policies(account):
        if account.by_arn(arn) is None:
            known.setdefault(arn, "named in a policy")
    for role in account.roles:
        if not role.service_linked:
            known.setdefault(role.arn, "role")
    return known


def named_in_policies(account: Account) -> tuple[str, ...]:
    """The roles that statements of the account's identity policies allow to assume by their whole ARN, each once."""
    found = {
        resource
        for _, policy_type, document in documents_in(account)
        if policy_type is PolicyType.IDENTITY and document.error is None
        for statement in document.policy.statements
        if statement.effect == "Allow" and any(action.lower() in _ASSUMING for action in statement.actions or ())
        for resource in statement.resources or ()
        if _ROLE_ARN.fullmatch(resource) and not _OPEN.search(resource)
    }
    return tuple(sorted(found))
