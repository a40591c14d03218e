"""Service accounts: the role that would replace a user whose access keys a program uses, drafted and never made.

The role has the user's policies, less what AWS says was never used (IAM User Guide: Require workloads to use temporary
credentials with IAM roles; Refine permissions using last accessed information).
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain, count
from typing import Any, Final, TypeAlias

from iamtui.account.model import Account, Group, Known, LastAccessed, ManagedPolicy, Missing, User
from iamtui.drafts.draft import Draft, Edit
from iamtui.drafts.edits.policies import PutInlinePolicy
from iamtui.drafts.edits.principals import LONGEST_ROLE_NAME, AttachPolicy, CreateRole, PutPermissionsBoundary, Tag
from iamtui.drafts.exports import export
from iamtui.lint.check_document import DocumentKind, findings
from iamtui.lint.subject import Level
from iamtui.policy.document import PolicyDocument, as_list, render
from iamtui.problem import Problem

Json: TypeAlias = dict[str, Any]

_LARGEST_INLINE: Final = 10_240
"""IAM User Guide: quotas: characters of all inline policies of a role, white space not counted."""
_MOST_ATTACHED: Final = 10
_LONGEST_POLICY_NAME: Final = 128
_USERNAME: Final = re.compile(r"\$\{\s*aws:username\s*(?:,[^}]*)?\}", re.IGNORECASE)
_USERS_ONLY: Final = frozenset(("aws:username", "aws:userid", "aws:principalarn", "aws:principaltype"))
"""Keys that requests of a role have not, or with another value (IAM User Guide: global condition keys)."""
_GITHUB: Final = "token.actions.githubusercontent.com"
_REPOSITORY: Final = re.compile(r"[A-Za-z0-9_-]{1,39}/[A-Za-z0-9._-]{1,100}")
"""One repository of GitHub: what it does not have, as a wildcard, would let the repositories of others in."""
_PLACES: Final = {"ec2": "ec2.amazonaws.com", "ecs": "ecs-tasks.amazonaws.com", "lambda": "lambda.amazonaws.com"}


@dataclass(slots=True)
class RoleDraft:
    """The role that would replace a user's access keys.

    Args:
        attached: the managed policies that it has as they are, by ARN.
        inline: its other policies by name.
        left_out: what the user may do and the role not, because it was never used; a phrase each, raw text.
        notes: what has to be looked at before the role takes over; a sentence each, raw text.
    """

    account: Account
    user: User
    name: str
    trust: Json
    attached: list[str] = field(default_factory=list)
    inline: dict[str, Json] = field(default_factory=dict)
    left_out: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def arn(self) -> str:
        return f"arn:{self.account.partition}:iam::{self.account.id}:role{self.user.path}{self.name}"

    def edits(self) -> tuple[Edit, ...]:
        tags = tuple(Tag(key, value) for key, value in self.user.tags if not key.startswith("aws:"))
        boundary = self.user.boundary_arn
        return (
            CreateRole(self.arn, render(self.trust), tags),
            *(() if boundary is None else (PutPermissionsBoundary(self.arn, boundary),)),
            *(AttachPolicy(self.arn, arn) for arn in self.attached),
            *(PutInlinePolicy(self.arn, name, render(document)) for name, document in self.inline.items()),
        )

    def draft(self) -> Draft:
        return Draft(self.account.id, f"{self.name} in place of the keys of {self.user.name}", self.edits())

    def export(self, form: str, note: str = "") -> str:
        """Script that makes it, for somebody to read and run: "cli" or "terraform".

        The script stops in another account than the user's, and at the first call that fails: policies never go to a
        role that was there before.

        Args:
            note: one sentence for the head of the text, raw.

        Raises:
            Problem: the account's id, a name or an ARN is not one of AWS's.
        """
        return export(self.draft(), self.account, self.account, form, note=note)


def draft_role_for(account: Account, user: User, place: str = "") -> RoleDraft:
    """The role that would replace a user's access keys.

    Args:
        place: where the program runs: ec2, ecs, lambda, onprem, a service principal, github:ORG/REPO, an account id
            or the ARN of a principal; "": onprem where the user's policies test source addresses, else ec2.

    Raises:
        Problem: there is no such place, or the user works with no access keys.
    """
    keys = account.with_report(user).access_keys
    if keys == Known(()):
        raise Problem(f"{user.name} has no access keys, so no program works as this user.", "Choose another user.")
    suffixes = (f"-role{number or ''}" for number in count())
    taken = {role.name.lower() for role in account.roles}
    draft = RoleDraft(account, user, _free_name(user.name, suffixes, taken, LONGEST_ROLE_NAME), {})
    accessed = account.last_accessed.get(user.arn)
    if accessed is None:
        draft.notes.append("What the user never uses is not known: audit --last-accessed asks AWS for it.")
    documents = list(_policies_of(account, user, draft))
    for name, policy, document in documents:
        _add(draft, name, policy, document, accessed)
    _note_boundary(account, user, draft)
    draft.trust = _trust(account, draft, place or _likely_place([document for _, _, document in documents], draft))
    if len(draft.attached) > _MOST_ATTACHED:
        draft.notes.append(
            f"It has {len(draft.attached)} managed policies and a role takes {_MOST_ATTACHED} by default."
        )
    if isinstance(keys, Missing):
        draft.notes.append(f"Whether the user has access keys is not known: {keys.reason}.")
    if any(one.part == "tags" for one in user.unread):
        draft.notes.append("The tags of the user could not be read: the role has none, and policies can test them.")
    size = sum(len(json.dumps(document, separators=(",", ":"))) for document in draft.inline.values())
    if size > _LARGEST_INLINE:
        draft.notes.append(
            f"Its inline policies have {size:,} characters and a role takes {_LARGEST_INLINE:,}: make managed policies."
        )
    draft.notes += _named_elsewhere(account, user)
    return draft


def _free_name(name: str, suffixes: Iterator[str], taken: Collection[str], longest: int) -> str:
    """The name with the first suffix, "" before all others, that no other has; names differ by more than case in IAM.

    Args:
        taken: in lower case.
        longest: characters that such a name may have.
    """
    candidates = (f"{name[: longest - len(suffix)]}{suffix}" for suffix in chain(("",), suffixes))
    return next(one for one in candidates if one.lower() not in taken)


def _policies_of(
    account: Account, user: User, draft: RoleDraft
) -> Iterator[tuple[str, ManagedPolicy | None, PolicyDocument]]:
    """Every policy of the user and of its groups: name, the managed policy or None, document."""
    groups = [account.group(name) for name in user.groups]
    seen: set[str] = set()
    holders: tuple[User | Group, ...] = (user, *(group for group in groups if group is not None))
    for holder in holders:
        prefix = "" if holder is user else f"{holder.name}-"
        for inline in holder.inline_policies:
            yield f"{prefix}{inline.name}", None, inline.document
        for attached in holder.attached_policies:
            policy, document = account.policy(attached.arn), account.document(attached.arn)
            if attached.arn in seen:
                continue
            seen.add(attached.arn)
            if policy is None or document is None:
                draft.attached.append(attached.arn)
                draft.notes.append(f"The text of {attached.name} is not loaded: it is attached as it is.")
            else:
                yield policy.name, policy, document
        draft.notes += [
            f"The {one.part} of {holder.name} could not be read: left out, also what they deny."
            for one in holder.unread
            if one.part != "tags"
        ]
    for name, group in zip(user.groups, groups, strict=True):
        if group is None:
            draft.notes.append(f"The policies of the group {name} are not loaded: left out, also what they deny.")


def _add(
    draft: RoleDraft, name: str, policy: ManagedPolicy | None, document: PolicyDocument, accessed: LastAccessed | None
) -> None:
    if document.error is not None or not isinstance(document.value, dict):
        if policy is not None:
            draft.attached.append(policy.arn)
        outcome = "attached as it is" if policy is not None else "left out, also what it denies"
        draft.notes.append(f"The policy {name} cannot be read: it is {outcome}.")
        return
    changed = copy.deepcopy(document.value)
    listed = changed.get("Statement")
    statements = as_list(listed)
    kept = [one for one in statements if isinstance(one, dict) and _keep_used(draft, name, one, accessed)]
    if len(kept) < len(statements):
        changed["Statement"] = kept
    if document.policy.substitutes_variables:
        changed = _with_name(changed, draft.user.name)
    _note_keys(draft, name, document)
    if not kept:
        return
    if policy is not None and changed == document.value:
        draft.attached.append(policy.arn)
        return
    taken = {one.lower() for one in draft.inline}
    numbers = (f"-{number}" for number in count(2))
    draft.inline[_free_name(name, numbers, taken, _LONGEST_POLICY_NAME)] = changed


def _keep_used(draft: RoleDraft, name: str, statement: Json, accessed: LastAccessed | None) -> bool:
    """Take out of an Allow statement the actions that were never used; whether any is left."""
    if statement.get("Effect") != "Allow" or accessed is None:
        return True
    if "NotAction" in statement:
        draft.notes.append(f"The policy {name} allows everything but some actions: name what the program needs.")
        return True
    draft.left_out += [f"{action} ({name})" for action in take_out_unused(statement, accessed)]
    kept = _entries_of(statement)
    if any(action.partition(":")[0] == "*" for action in kept):
        draft.notes.append(f"The policy {name} allows every service: name those that the program needs.")
    return bool(kept)


def take_out_unused(statement: Json, accessed: LastAccessed) -> list[str]:
    """Take the actions out of a statement that were never used, as far as their entries name their service.

    Returns:
        The entries that are gone.
    """
    unused = {one.service.lower() for one in accessed.services if one.last_used is None}
    unused_actions = {
        f"{one.service}:{action}".lower()
        for one in accessed.services
        for action, used in one.actions.items()
        if not used
    }
    actions = _entries_of(statement)
    kept = [
        action
        for action in actions
        if action.partition(":")[0].lower() not in unused and action.lower() not in unused_actions
    ]
    if kept != actions:
        statement["Action"] = kept
    return [action for action in actions if action not in kept]


def _entries_of(statement: Json) -> list[str]:
    written = statement.get("Action")
    return [written] if isinstance(written, str) else list(written or ())


def _with_name(value: Any, user_name: str) -> Any:
    """The document with the user's name where it has the variable for it, which a role does not have."""
    if isinstance(value, str):
        return _USERNAME.sub(lambda _: user_name, value)
    if isinstance(value, list):
        return [_with_name(item, user_name) for item in value]
    if isinstance(value, dict):
        return {key: _with_name(item, user_name) for key, item in value.items()}
    return value


def _note_keys(draft: RoleDraft, name: str, document: PolicyDocument) -> None:
    tested = {line.key.lower() for statement in document.policy.statements for line in statement.conditions}
    for key in sorted(tested & _USERS_ONLY):
        draft.notes.append(f"The policy {name} tests {key}, which is different for a role: adapt the condition.")
    if "${aws:userid" in document.source_text.lower():
        draft.notes.append(f"The policy {name} uses ${{aws:userid}}, which is different for a role: adapt it.")
    if any(key.startswith("aws:multifactorauth") for key in tested):
        draft.notes.append(f"The policy {name} requires MFA, which a program does not have.")


def _note_boundary(account: Account, user: User, draft: RoleDraft) -> None:
    """Where the permissions boundary, which the role has as it is, says another thing of a role than of the user."""
    policy = account.policy(user.boundary_arn) if user.boundary_arn is not None else None
    document = policy.document if policy is not None else None
    if policy is None or document is None or document.error is not None:
        if user.boundary_arn is not None:
            draft.notes.append(
                f"The text of the permissions boundary {user.boundary_arn} is not known: the role gets it as it is."
            )
        return
    _note_keys(draft, policy.name, document)
    if document.policy.substitutes_variables and _USERNAME.search(document.source_text):
        draft.notes.append(
            f"The permissions boundary {policy.name} uses ${{aws:username}}, which a role does not have: adapt it."
        )


def _likely_place(documents: list[PolicyDocument], draft: RoleDraft) -> str:
    lines = [
        line for document in documents if document.error is None for one in document.policy.statements
        for line in one.conditions
    ]  # fmt: skip
    if any(line.key.lower() == "aws:sourceip" for line in lines):
        draft.notes.append(
            "Its policies test source addresses, so the program seems to run outside AWS: the role trusts IAM Roles "
            "Anywhere. --place names another place."
        )
        return "onprem"
    draft.notes.append(
        "Where the program runs is not known: the role trusts EC2 instances. --place names another place."
    )
    return "ec2"


def _trust(account: Account, draft: RoleDraft, place: str) -> Json:
    kind, _, repository = place.partition(":")
    if kind == "github" and _REPOSITORY.fullmatch(repository):
        provider = f"arn:{account.partition}:iam::{account.id}:oidc-provider/{_GITHUB}"
        if isinstance(account.providers, Known) and account.by_arn(provider) is None:
            draft.notes.append(f"The account has no identity provider {_GITHUB}: make it first.")
        return _trusting(
            {"Federated": provider},
            "sts:AssumeRoleWithWebIdentity",
            {
                "StringEquals": {f"{_GITHUB}:aud": "sts.amazonaws.com"},
                "StringLike": {f"{_GITHUB}:sub": f"repo:{repository}:*"},
            },
        )
    if place == "onprem":
        own = {"ArnLike": {"aws:SourceArn": f"arn:{account.partition}:rolesanywhere:*:{account.id}:trust-anchor/*"}}
        actions = ["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"]
        return _trusting({"Service": "rolesanywhere.amazonaws.com"}, actions, own)
    service = _PLACES.get(place, place if re.fullmatch(r"([a-z0-9-]+\.)+amazonaws\.com(\.cn)?", place) else "")
    if place == "ec2" and account.partition == "aws-cn":
        # Alone of these three (Amazon Web Services in China: IAM).
        service += ".cn"
    if service:
        # ECS names the account of the task; EC2 and Lambda name none (IAM User Guide: the confused deputy problem).
        own = {"StringEquals": {"aws:SourceAccount": account.id}} if place == "ecs" else {}
        return _trusting({"Service": service}, "sts:AssumeRole", own)
    trust = _trusting({"AWS": place}, "sts:AssumeRole", {})
    if place != "*" and not any(
        one.level is Level.ERROR for one in findings(PolicyDocument.of(trust), DocumentKind.TRUST)
    ):
        return trust
    raise Problem(
        f"--place {place} is not a place where a program runs.",
        "Give ec2, ecs, lambda, onprem, a service principal (SERVICE.amazonaws.com), github:ORG/REPO, an account id or "
        "the ARN of a principal.",
    )


def _trusting(principal: Mapping[str, str], actions: str | list[str], condition: Json) -> Json:
    statement: Json = {"Effect": "Allow", "Principal": dict(principal), "Action": actions}
    return {"Version": "2012-10-17", "Statement": [statement | ({"Condition": condition} if condition else {})]}


def _named_elsewhere(account: Account, user: User) -> Iterator[str]:
    """Where other policies name the user, which the role will not be."""
    trusting = [role.name for role in account.roles if user.arn in role.trust.source_text]
    if trusting:
        yield f"Trust policies name the user: let those of {', '.join(trusting)} name the role."
    resources = [
        arn
        for arn, policy in account.resource_policies.items()
        if policy.document is not None and user.arn in policy.document.source_text
    ]
    if resources:
        yield f"Resource policies name the user: let those of {', '.join(resources)} name the role."
    yield "Policies of other resources, which are not read for this, can name the user, too."
