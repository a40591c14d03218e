"""Edits of the organization's policies: SCPs and RCPs at the levels above an account and at its own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from iamtui.account.model import Account, Known, Missing, Organization, OrganizationLevel, OrganizationPolicy
from iamtui.drafts.aws_values import (
    ACCOUNT_ID,
    LEVEL_ID,
    ORGANIZATION_POLICY_ID,
    ORGANIZATION_POLICY_NAME,
    ORGANIZATION_POLICY_TYPE,
    RCP,
    SCP,
    attached,
    organization_account,
    short_type,
)
from iamtui.drafts.edits.base import (
    STDIN,
    AccountAfterEdits,
    Arguments,
    BaseEdit,
    Document,
    LevelId,
    OrganizationPolicyType,
    PolicyName,
    TerraformBlocks,
    ascii_document,
    call,
    comment,
    json_heredoc,
    option,
    organization_policy,
    policies_at,
    quoted,
    same_text,
    segment,
)
from iamtui.drafts.ledger import Ledger, Misfit
from iamtui.policy.document import PolicyDocument
from iamtui.policy.types import PolicyType
from iamtui.problem import Problem
from iamtui.text import safe_text

_OF_AWS = ":organizations::aws:policy/"
_UNDETACHABLE = "RCPFullAWSAccess"


class _OrganizationEdit(BaseEdit, frozen=True):
    """An edit of what one SCP or RCP is to one level."""

    type: OrganizationPolicyType
    level_id: LevelId
    name: PolicyName
    of_organization = True

    @property
    def subject(self) -> tuple[str, ...]:
        return short_type(self.type).lower(), self.level_id, self.name

    @property
    def diff_path(self) -> str:
        kind = "scp" if self.type == SCP else "rcp"
        return f"organizations/{segment(self.level_id)}/{kind}/{segment(self.name)}.json"

    def replaced(self, current: AccountAfterEdits) -> PolicyDocument | None:
        return current.organization(self.type, self.level_id, self.name)

    def attached(self, ledger: Ledger) -> tuple[OrganizationLevel, tuple[OrganizationPolicy, ...]]:
        """The level, and the policies of the type that are attached there.

        Raises:
            Misfit: there is no such level, or they are not known.
        """
        if self.type not in (SCP, RCP):
            raise Misfit(
                f"{safe_text(self.type, limit=64) or 'an empty text'} is not a type of organization policy",
                f"Expected {SCP} or {RCP}.",
            )
        path = ledger.organization.path
        level = next((level for level in path if level.id == self.level_id), None)
        if level is None:
            known = ", ".join(f"{safe_text(level.id)} ({safe_text(level.name)})" for level in path) or "none is loaded"
            raise Misfit(
                f"there is no level {safe_text(self.level_id, limit=64) or 'without an id'} above the account",
                f"Levels, the root first: {known}.",
            )
        fact = attached(level, self.type)
        if isinstance(fact, Missing):
            raise Misfit(
                f"the {short_type(self.type)}s of {safe_text(level.name or level.id)} are not loaded "
                f"({safe_text(fact.reason)}), so what would be in force there is unknown",
                "Open the account with a caller that may read them, or leave the edit out.",
            )
        return level, fact.value

    def checked_type(self) -> str:
        return ORGANIZATION_POLICY_TYPE.checked(self.type)

    def target(self) -> str:
        """The option that names the level."""
        return option("--target-id", LEVEL_ID.checked(self.level_id))

    def exchanged(
        self, organization: Organization, level_id: str, policies: tuple[OrganizationPolicy, ...]
    ) -> Organization:

        def at(level: OrganizationLevel) -> OrganizationLevel:
            if level.id != level_id:
                return level
            return replace(level, rcps=Known(policies)) if self.type == RCP else replace(level, scps=Known(policies))

        return replace(organization, path=tuple(at(level) for level in organization.path))


def _note_other_accounts(ledger: Ledger, level: OrganizationLevel) -> None:
    if level.type != "ACCOUNT":
        ledger.find(
            "unknown",
            f"{safe_text(level.name or level.id)} is above other accounts too; "
            "what the edit does to them is not known here.",
        )


class PutOrganizationPolicy(_OrganizationEdit, frozen=True):
    """Attach an SCP or RCP at a level, or replace its text."""

    document: Document
    says = "attach the {type} {name} to {level_id}"
    says_replacing = "replace the {type} {name} at {level_id}"
    commands = (("put-scp", SCP), ("put-rcp", RCP))
    cli_phase = 0
    terraform_phase = 4

    @property
    def document_title(self) -> str:
        return f"The policy {safe_text(self.name, limit=128)} at {safe_text(self.level_id, limit=64)}"

    @property
    def policy_type(self) -> PolicyType:
        return PolicyType.SCP if self.type == SCP else PolicyType.RCP

    def apply(self, ledger: Ledger) -> None:
        level, attached = self.attached(ledger)
        if not ORGANIZATION_POLICY_NAME.test(self.name):
            raise Misfit("an organization policy needs a name of 1 to 128 visible characters", "Give it one.")
        organization = ledger.organization
        now = next((policy for policy in attached if policy.name == self.name), None)
        same = now or self.known_anywhere(organization.path)
        document = ledger.document(self.document, same.document if same else None)
        if now is not None and document is now.document:
            ledger.find("no effect", f"The {short_type(self.type)} {safe_text(self.name)} already says this.")
            return
        rewritten = same is not None and document is not same.document
        if rewritten and same is not None and _OF_AWS in same.arn:
            raise Misfit(
                f"{safe_text(self.name)} is AWS's own policy, which only AWS changes",
                "Attach a policy under a name of your own, and detach this one.",
            )
        put = OrganizationPolicy(same.arn if same else "", self.name, document)
        replaced = (*attached, put) if now is None else tuple(put if entry is now else entry for entry in attached)
        organization = self.exchanged(organization, level.id, replaced)
        ledger.put_organization(self.rewritten(organization, put) if rewritten else organization)
        ledger.touched[level.id] = ledger.number
        if rewritten:
            ledger.find(
                "unknown",
                f"The {short_type(self.type)} {safe_text(self.name)} changes for every account it applies to; "
                "what that does to the others is not known here.",
            )
        else:
            _note_other_accounts(ledger, level)

    def check_exportable(self, edits: Sequence[BaseEdit]) -> None:
        if PolicyDocument(self.document).text != PolicyDocument(self.namesakes(edits)[0].document).text:
            raise Problem(
                f"The draft has two different documents for the policy {safe_text(self.name, limit=128)}, which is "
                "one and the same at every level.",
                "Give one of them another name, or both the same document.",
            )

    def namesakes(self, edits: Sequence[BaseEdit]) -> list[PutOrganizationPolicy]:
        """The edits that attach the same policy somewhere, this one included."""
        return [
            edit
            for edit in edits
            if isinstance(edit, PutOrganizationPolicy) and (edit.type, edit.name) == (self.type, self.name)
        ]

    def rewritten(self, organization: Organization, put: OrganizationPolicy) -> Organization:
        """The organization with a policy's new text wherever it is attached: names are unique, so it is one policy."""
        for level in organization.path:
            fact = attached(level, self.type)
            if isinstance(fact, Known):
                policies = tuple(put if policy.name == put.name else policy for policy in fact.value)
                organization = self.exchanged(organization, level.id, policies)
        return organization

    def known_anywhere(self, path: Sequence[OrganizationLevel]) -> OrganizationPolicy | None:
        """The policy of this name as attached at any known level."""
        known = (fact.value for level in path if isinstance(fact := attached(level, self.type), Known))
        return next((policy for policies in known for policy in policies if policy.name == self.name), None)

    def aws_cli(self, edits: Sequence[BaseEdit], before: Account) -> Iterator[list[str]]:
        known = self.known_anywhere(before.organization_levels)
        first = self.namesakes(edits)[0] is self
        document = ascii_document(self.document)
        puts = (edit for edit in edits if isinstance(edit, PutOrganizationPolicy))
        made = list(
            dict.fromkeys(
                (edit.type, edit.name) for edit in puts if edit.known_anywhere(before.organization_levels) is None
            )
        )
        variable = f"policy_{made.index((self.type, self.name)) + 1}" if known is None else ""
        if known is None and first:
            # A function creates the policy and prints its id: a here-document inside $(...) confuses older shells.
            words = (
                *("organizations", "create-policy", option("--name", ORGANIZATION_POLICY_NAME.checked(self.name))),
                *(option("--description", ""), option("--type", self.checked_type()), option("--content", STDIN)),
                *("--query", "Policy.PolicySummary.Id", "--output", "text"),
            )
            function = f"create_{variable}"
            yield [f"{function}() {{", *call(words, document), "}", f"{variable}=$({function})"]
        elif known is not None and first and not same_text(known.document, self.document):
            others = [
                level.id
                for level in before.organization_levels
                if level.id != self.level_id and organization_policy(before, self.type, level.id, self.name)
            ]
            remark = (
                "It is one policy wherever it is attached: this changes it at every root, OU and account that has it"
            )
            remark += f" ({', '.join(others)} on the way to this account)." if others else "."
            options = option("--policy-id", _policy_id(known)), option("--content", STDIN)
            yield call(("organizations", "update-policy", *options), document, (remark,))
        if organization_policy(before, self.type, self.level_id, self.name) is None:
            policy_id = option("--policy-id", _policy_id(known)) if known else f'--policy-id "${variable}"'
            yield call(("organizations", "attach-policy", policy_id, self.target()))

    def terraform(self, blocks: TerraformBlocks, edits: Sequence[BaseEdit], before: Account) -> Iterator[str]:
        management = organization_account(before)
        first = next(edit for edit in edits if isinstance(edit, PutOrganizationPolicy))
        if self is first and management and management != before.id:
            account = ACCOUNT_ID.checked(management)
            yield comment(f"What follows needs a provider with the credentials of account {account}.")
        key = f"{self.type}/{self.name}"
        known = self.known_anywhere(before.organization_levels)
        policy_id = _policy_id(known) if known is not None else ""
        if key not in blocks.created and (known is None or not same_text(known.document, self.document)):
            arguments: Arguments = {
                "name": quoted(ORGANIZATION_POLICY_NAME.checked(self.name)),
                "type": quoted(self.checked_type()),
                "content": json_heredoc(ascii_document(self.document)),
            }
            unknown = ("description", "tags", "tags_all") if known is not None else ()
            yield blocks.resource("aws_organizations_policy", (self.name,), arguments, policy_id, unknown, key)
        if organization_policy(before, self.type, self.level_id, self.name) is None:
            yield blocks.resource(
                "aws_organizations_policy_attachment",
                (self.name, self.level_id),
                {
                    "policy_id": blocks.created.get(key) or quoted(policy_id),
                    "target_id": quoted(LEVEL_ID.checked(self.level_id)),
                },
            )


class DetachOrganizationPolicy(_OrganizationEdit, frozen=True):
    """Take an SCP or RCP away from a level."""

    says = "detach the {type} {name} from {level_id}"
    commands = (("detach-scp", SCP), ("detach-rcp", RCP))
    cli_phase = 1

    def apply(self, ledger: Ledger) -> None:
        level, attached = self.attached(ledger)
        left = tuple(policy for policy in attached if policy.name != self.name)
        if len(left) == len(attached):
            names = ", ".join(safe_text(policy.name, limit=128) for policy in attached) or "nothing"
            raise Misfit(
                f"the {short_type(self.type)} {safe_text(self.name, limit=128) or 'without a name'} is not attached to "
                f"{safe_text(level.name or level.id)}",
                f"Attached there: {names}.",
            )
        if self.type == RCP and self.name == _UNDETACHABLE:
            raise Misfit(
                f"{_UNDETACHABLE} cannot be detached: AWS keeps it at every level", "Attach an RCP that denies instead."
            )
        ledger.put_organization(self.exchanged(ledger.organization, level.id, left))
        ledger.touched[level.id] = ledger.number
        _note_other_accounts(ledger, level)

    def changes_nothing(self, current: AccountAfterEdits) -> bool:
        known = policies_at(current.account, self.type, self.level_id) is not None
        return known and self.replaced(current) is None

    def aws_cli(self, edits: Sequence[BaseEdit], before: Account) -> Iterator[list[str]]:
        known = organization_policy(before, self.type, self.level_id, self.name)
        if known is None:
            target = self.target()
            yield [
                f"# The id of {safe_text(self.name)} at {safe_text(self.level_id)} is not known here:",
                f"# aws organizations list-policies-for-target {target} {option('--filter', self.checked_type())}",
                f"# then: aws organizations detach-policy --policy-id ID {target}",
                "echo 'One policy could not be detached: its id is not known. See the script.' >&2",
                "exit 1",
            ]
            return
        left = {policy.name for policy in policies_at(before, self.type, self.level_id) or ()}
        here = [edit for edit in edits if isinstance(edit, _OrganizationEdit) and edit.subject[:2] == self.subject[:2]]
        left |= {edit.name for edit in here if edit.document is not None}
        left -= {edit.name for edit in here if edit.document is None}
        remarks: tuple[str, ...] = ()
        if self.type == SCP and not left:
            remarks = ("AWS refuses to detach the last SCP of a level: attach another one first.",)
        options = option("--policy-id", _policy_id(known)), self.target()
        yield call(("organizations", "detach-policy", *options), remarks=remarks)

    def terraform(self, blocks: TerraformBlocks, edits: Sequence[BaseEdit], before: Account) -> Iterator[str]:
        known = organization_policy(before, self.type, self.level_id, self.name)
        policy_id = _policy_id(known) if known is not None else "POLICY_ID"
        yield blocks.removal(
            f"Detach {self.name} from {self.level_id}",
            "aws_organizations_policy_attachment",
            (self.name, self.level_id),
            f"{LEVEL_ID.checked(self.level_id)}:{policy_id}",
        )


def _policy_id(policy: OrganizationPolicy) -> str:
    return ORGANIZATION_POLICY_ID.checked(policy.arn.rsplit("/", 1)[-1])
