"""EditContext: what every maker of edits needs: where the user is, what to choose from, and where the edit goes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final, Protocol

from textual.app import App
from textual.content import Content

from iamtui.account.model import (
    Account,
    Entity,
    Group,
    ManagedPolicy,
    Missing,
    OrganizationLevel,
    OrganizationPolicy,
    Role,
    User,
)
from iamtui.drafts.aws_values import RCP, SCP, attached, level_words, short_type
from iamtui.drafts.draft import Edit
from iamtui.policy.patterns import parse_arn
from iamtui.problem import Problem
from iamtui.tui.content import Severity
from iamtui.tui.dialogs import Choice, ChoiceDialog
from iamtui.tui.inventory import Branch, Kind, Node
from iamtui.tui.main_view import DraftKeeper

if TYPE_CHECKING:
    from iamtui.tui.drafts.draft_screen import DraftScreen
    from iamtui.tui.paned import PanedScreen


class EditedFrom(DraftKeeper, Protocol):
    """Keeps a draft of the account that a screen shows."""

    screen: PanedScreen

    @property
    def draft_screen(self) -> DraftScreen | None:
        """The list of edits, while it is on screen."""


class EditContext:
    """Works on behalf of what keeps the draft."""

    def __init__(self, drafts: EditedFrom) -> None:
        self.drafts = drafts
        self.screen = drafts.screen

    @property
    def app(self) -> App[object]:
        return self.screen.app

    @property
    def account(self) -> Account:
        """The account as it is on screen: with the draft, so that edits build on each other."""
        workspace = self.screen.workspace
        assert workspace is not None
        return workspace.account

    @property
    def node(self) -> Entity | None:
        """What the user is on, in the tree or in the table of a branch."""
        screen = self.screen
        node = screen.subject.node
        if isinstance(node, Branch):
            return screen.subject.table.entity if screen.subject.table.has_focus else None
        return node

    @property
    def holder(self) -> User | Group | Role:
        node = self.node
        assert isinstance(node, User | Group | Role)
        return node

    def add(self, *edits: Edit) -> None:
        self.drafts.add_edits(edits)

    def say(self, words: Content | str, severity: Severity = Severity.INFORMATION) -> None:
        self.screen.say(words, severity)

    def doing(self, then: Callable[[str], None]) -> Callable[[str | None], None]:
        """What a dialog is given to call: it does nothing for no choice, and says why something cannot be done."""

        def taken(chosen: str | None) -> None:
            if chosen is not None:
                try:
                    then(chosen)
                except Problem as problem:
                    self.say(str(problem), Severity.WARNING)

        return taken

    def pick(
        self, title: Content, choices: Sequence[Choice], then: Callable[[str], None], *, empty: str = "",
        more: Callable[[], Sequence[Choice]] | None = None,
    ) -> None:  # fmt: skip
        """Let the user choose from a list that typing narrows."""
        dialog = ChoiceDialog(title, choices, empty=empty or "There is nothing to choose.", more=more)
        self.app.push_screen(dialog, self.doing(then))


# What a draft can change where the cursor is, as a menu. Pure.


SEPARATOR: Final = "\x1f"
"""Between the parts of a key: no name or ARN has it."""


def key(*parts: str) -> str:
    """A key of a choice: what to do, then on what."""
    return SEPARATOR.join(parts)


def edit_choices(
    account: Account,
    node: Node | None,
    policy: Sequence[str],
    asked: str,
    resource: str = "",
    drafted: Sequence[tuple[int, str]] = (),
) -> list[Choice]:
    """The menu for a place.

    Args:
        node: what the cursor is on.
        policy: names of the policy under the detail pane's cursor (name, ARN), or none.
        asked: the action of the question on screen, or "".
        resource: the ARN that carries the policy of the resource that is asked about, or "".
        drafted: the edits that are made here already, by their index, in words.
    """
    choices: list[Choice] = []
    if isinstance(node, User | Group | Role):
        here = [*_of_policy(account, node, policy)]
        choices += _titled("The policy under the cursor", here)
        choices += [Choice("", f"{type(node).__name__} {node.name}"), *_of_holder(account, node, asked)]
        rest = [c for c in _of_policies(account, node) if c.key not in {known.key for known in here}]
        choices += _titled("Its policies", rest)
    elif isinstance(node, ManagedPolicy):
        choices += [Choice("", f"Policy {node.name}"), *_of_managed(account, node)]
    elif isinstance(node, Branch) and node.kind in (Kind.POLICIES, Kind.CUSTOMER_POLICIES):
        choices += [Choice("", "Policies"), Choice(key("create"), "Create a policy", "customer managed")]
    elif isinstance(node, Branch) and node.kind is Kind.ORGANIZATION:
        choices += _of_organization(account, node, policy)
    elif isinstance(node, Branch) and node.kind is Kind.ROLES:
        choices += [Choice("", "Roles"), Choice(key("create-role"), "Create a role", "and its trust policy")]
    choices += _titled("The resource asked about", [*_of_resource(account, resource, node)])
    back = [Choice(key("take", str(index)), f"Take back: {words}") for index, words in drafted]
    choices += _titled("Drafted here", back)
    known = {choice.key for choice in choices}
    around = [choice for choice in _around(account) if choice.key not in known]
    if isinstance(account.organization, Missing) and choices:
        choices.append(Choice("", "SCPs and RCPs: the organization is not loaded"))
    return choices + _titled("Around the account", around)


def _titled(title: str, choices: Sequence[Choice]) -> list[Choice]:
    return [Choice("", title), *choices] if choices else []


def _of_resource(account: Account, resource: str, node: Node | None) -> Iterator[Choice]:
    arn = parse_arn(resource)
    if arn is None:
        return
    role = account.by_arn(resource)
    if isinstance(role, Role):
        if role is not node:
            yield Choice(key("trust", role.arn), f"Edit the trust policy of {role.name}", "who may assume it")
        return
    if arn.service in ("iam", "sts"):
        return
    name = arn.resource or resource
    known = account.resource_policies.get(resource)
    state = {"present": "", "none": "it has none yet"}.get(known.state if known is not None else "", "not loaded")
    yield Choice(key("resource"), f"Edit the policy of {name}", state)
    if known is not None and known.state == "present" and arn.service != "kms":
        yield Choice(key("resource-delete"), f"Delete the policy of {name}")


def _of_policy(account: Account, holder: User | Group | Role, names: Sequence[str]) -> Iterator[Choice]:
    if not names:
        return
    name, arn = names[0], next((one for one in names if one.startswith("arn:")), "")
    if arn:
        attached = arn in [policy.arn for policy in holder.attached_policies]
        yield from _managed_choices(account, arn, name)
        if attached:
            yield Choice(key("detach", arn), f"Detach {name}", "managed")
    elif name in [policy.name for policy in holder.inline_policies]:
        yield Choice(key("inline", name), f"Edit {name}", "inline")
        yield Choice(key("inline-delete", name), f"Delete {name}", "inline")


def _managed_choices(account: Account, arn: str, name: str) -> Iterator[Choice]:
    policy = account.policy(arn)
    if policy is None or policy.aws_managed:
        return
    users = len(account.holders(arn))
    shared = f"managed, for all {users} that have it" if users > 1 else "managed"
    yield Choice(key("managed", arn), f"Edit {name}", shared)


def _of_holder(account: Account, holder: User | Group | Role, asked: str) -> Iterator[Choice]:
    if asked:
        yield Choice(key("statement"), "Add a statement from the question", asked)
    yield Choice(key("attach"), "Attach a policy", "the account's or AWS's")
    yield Choice(key("inline-new"), "Add an inline policy")
    if isinstance(holder, Role):
        yield Choice(key("trust"), "Edit the trust policy", "who may assume it")
    if isinstance(holder, User):
        yield Choice(key("group-add"), "Add to a group")
        for name in holder.groups:
            yield Choice(key("group-remove", name), f"Remove from group {name}")
    if isinstance(holder, Group):
        yield Choice(key("member-add"), "Add a user")
        for user in account.members(holder.name)[:20]:
            yield Choice(key("member-remove", user.arn), f"Remove user {user.name}")
    if not isinstance(holder, Group):
        now = holder.boundary_arn.rsplit("/", 1)[-1] if holder.boundary_arn else "none"
        yield Choice(key("boundary"), "Set the permissions boundary", f"now {now}")
        if holder.boundary_arn:
            yield Choice(key("boundary-drop"), "Remove the permissions boundary", now)
    yield from _deletions(holder)


def _deletions(holder: User | Group | Role) -> Iterator[Choice]:
    if isinstance(holder, User):
        for access_key in holder.access_keys.value_or(()):
            if access_key.id:
                yield Choice(key("delete-key", access_key.id), f"Delete the access key {access_key.id}")
        if holder.login_profile.value_or(None) is not None:
            yield Choice(key("delete-password"), "Delete the console password")
    if isinstance(holder, User) or (isinstance(holder, Role) and not holder.service_linked):
        yield Choice(key("delete"), f"Delete the {type(holder).__name__.lower()}", "and the policies inside it")


def _of_policies(account: Account, holder: User | Group | Role) -> Iterator[Choice]:
    for policy in holder.attached_policies:
        yield from _managed_choices(account, policy.arn, policy.name)
        yield Choice(key("detach", policy.arn), f"Detach {policy.name}", "managed")
    for inline in holder.inline_policies:
        yield Choice(key("inline", inline.name), f"Edit {inline.name}", "inline")
        yield Choice(key("inline-delete", inline.name), f"Delete {inline.name}", "inline")


def _of_managed(account: Account, policy: ManagedPolicy) -> Iterator[Choice]:
    if policy.aws_managed:
        yield Choice(key("copy", policy.arn), "Create a policy of your own from it", "AWS's own cannot be edited")
    else:
        yield Choice(key("managed", policy.arn), "Edit the document", "a new default version")
    yield Choice(key("attach-to", policy.arn), "Attach it to a user, group or role")
    if not policy.aws_managed and not account.holders(policy.arn) and not account.bounded_by(policy.arn):
        yield Choice(key("delete-policy", policy.arn), "Delete the policy", "nobody has it")


def _around(account: Account) -> Iterator[Choice]:
    if account.organization.value_or(None) is None:
        return
    for policy_type in (SCP, RCP):
        word = short_type(policy_type)
        yield Choice(key("organization-add", policy_type), f"Attach an {word}", "to the root, an OU or the account")
        for level in account.organization_levels:
            for name in _names_at(level, policy_type):
                yield from _of_attached(account, level, policy_type, name)


def _of_attached(account: Account, level: OrganizationLevel, policy_type: str, name: str) -> Iterator[Choice]:
    word, where = short_type(policy_type), level.name or level.id
    if not is_of_aws(account, policy_type, name):
        yield Choice(key("organization-edit", policy_type, level.id, name), f"Edit the {word} {name}", f"at {where}")
    choice = key("organization-detach", policy_type, level.id, name)
    yield Choice(choice, f"Detach the {word} {name}", f"from {where}")


def _of_organization(account: Account, branch: Branch, policy: Sequence[str]) -> Iterator[Choice]:
    """What can be edited at a level of the organization, the policy under the cursor first; or of that at any."""
    levels = [level for level in account.organization_levels if branch.folder in ("", level.id)]
    attached = [(level, of, name) for level in levels for of in (SCP, RCP) for name in _names_at(level, of)]
    here = [one for one in attached if one[2] in policy]
    if here:
        yield Choice("", "The policy under the cursor")
    for one in here:
        yield from _of_attached(account, *one)
    if branch.folder and levels:
        yield Choice("", level_words(account, branch.folder))
        for policy_type in (SCP, RCP):
            yield Choice(key("organization-add", policy_type, branch.folder), f"Attach an {short_type(policy_type)}")
        for one in attached:
            if one not in here:
                yield from _of_attached(account, *one)


def is_of_aws(account: Account, policy_type: str, name: str) -> bool:
    """Whether an SCP or RCP is one of AWS's own, which nobody else can edit."""
    for level in account.organization_levels:
        for policy in attached(level, policy_type).value_or(()):
            arn = parse_arn(policy.arn)
            if policy.name == name and arn is not None and arn.account == "aws":
                return True
    return False


def _names_at(level: OrganizationLevel, policy_type: str) -> list[str]:
    return [policy.name for policy in attached(level, policy_type).value_or(())]


def policy_choices(account: Account, taken: Sequence[str] = ()) -> list[Choice]:
    own = [policy for policy in account.policies if policy.arn not in taken]
    own.sort(key=lambda policy: (policy.aws_managed, policy.name.lower()))
    return [Choice(p.arn, p.name, "AWS managed" if p.aws_managed else "customer managed") for p in own]


def boundary_choices(account: Account, taken: Sequence[str] = ()) -> list[Choice]:
    """The account's managed policies, those that are somebody's permissions boundary first."""
    counts = Counter(holder.boundary_arn for holder in account.principals if holder.boundary_arn)
    choices = policy_choices(account, taken)
    used = [replace(one, note=f"boundary of {counts[one.key]}, {one.note}") for one in choices if one.key in counts]
    return [*used, *(one for one in choices if one.key not in counts)]


def aws_policy_choices(arns: Sequence[str], taken: Sequence[str] = ()) -> list[Choice]:
    return [Choice(arn, arn.rsplit("/", 1)[-1], "AWS managed") for arn in arns if arn not in taken]


def entity_choices(entities: Sequence[Entity], but: Sequence[str] = ()) -> list[Choice]:
    kept = [entity for entity in entities if entity.arn not in but]
    return [Choice(entity.arn, entity.name, type(entity).__name__.lower()) for entity in kept]


def attachable(account: Account, policy_type: str, level_id: str) -> dict[str, OrganizationPolicy]:
    """The SCPs or RCPs that are attached at other levels than this one, by name; a policy of AWS too."""
    here = {
        name for level in account.organization_levels if level.id == level_id for name in _names_at(level, policy_type)
    }
    found: dict[str, OrganizationPolicy] = {}
    for level in account.organization_levels:
        for policy in attached(level, policy_type).value_or(()):
            if policy.name not in here:
                found.setdefault(policy.name, policy)
    return found


def attachable_choices(account: Account, policy_type: str, level_id: str) -> list[Choice]:
    """A new policy, whose key is a blank and the name that was typed, and those that are attached at other levels."""
    known = attachable(account, policy_type, level_id)
    new = Choice(" ", f"A new {short_type(policy_type)} …", "its name and document", makes_new=True)
    return [new, *(Choice(name, name, "attached at another level") for name in known)]


def level_choices(account: Account) -> list[Choice]:
    words = {"ROOT": "root", "ORGANIZATIONAL_UNIT": "OU", "ACCOUNT": "account"}
    return [
        Choice(lv.id, lv.name or lv.id, f"{words.get(lv.type, lv.type)} {lv.id}") for lv in account.organization_levels
    ]
