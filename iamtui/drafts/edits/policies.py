"""Edits of identity policies: inline ones, and customer managed ones."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

from iamtui.account.model import Account, Fact, InlinePolicy, Known, ManagedPolicy, PolicyVersion
from iamtui.drafts.aws_values import (
    NAME,
    POLICY_ARN,
    POLICY_DESCRIPTION,
    POLICY_PATH,
    VERSION_ID,
    iam_kind_and_name,
)
from iamtui.drafts.edits.base import (
    STDIN,
    BaseEdit,
    Document,
    HolderArn,
    OwnPolicyArn,
    PolicyName,
    Standing,
    ascii_document,
    call,
    folder,
    holder_of,
    option,
    same_text,
    segment,
)
from iamtui.drafts.hcl import Arguments, TerraformBlocks, add_tags, json_heredoc, quoted
from iamtui.drafts.ledger import Ledger, Misfit, not_there
from iamtui.drafts.words import entity_name, policy_name
from iamtui.policy.arn import parse_arn
from iamtui.policy.document import PolicyDocument
from iamtui.problem import Problem
from iamtui.text import safe_text

MOST_VERSIONS: Final = 5
"""Versions a managed policy may have (IAM User Guide: IAM and STS quotas)."""


class _InlineEdit(BaseEdit, frozen=True):
    """An edit of an inline policy."""

    holder_arn: HolderArn
    name: PolicyName

    @property
    def subject(self) -> tuple[str, ...]:
        return "inline", self.holder_arn, self.name

    @property
    def diff_path(self) -> str:
        return f"{folder(self.holder_arn)}/inline/{segment(self.name)}.json"

    def replaced(self, standing: Standing) -> PolicyDocument | None:
        return standing.inline(self.holder_arn, self.name)


class PutInlinePolicy(_InlineEdit, frozen=True):
    """Add an inline policy, or replace the one of that name."""

    document: Document
    commands = (("put-inline",),)
    cli_phase = 2
    terraform_phase = 3

    @property
    def document_title(self) -> str:
        holder = self.holder_arn.split(":", 5)[-1]
        return f"The inline policy {safe_text(self.name, limit=128)} of {safe_text(holder, limit=256)}"

    def words(self, standing: Standing) -> str:
        if standing.inline(self.holder_arn, self.name) is not None:
            return f"replace the inline policy {self.name} of {entity_name(self.holder_arn)}"
        return f"give {entity_name(self.holder_arn)} the inline policy {self.name}"

    def lay(self, ledger: Ledger) -> None:
        holder = ledger.holder(self.holder_arn)
        if not NAME.test(self.name):
            raise Misfit(
                f"{safe_text(self.name, limit=160) or 'an empty text'} is not a name for a policy",
                "Use 1 to 128 letters, digits and characters of +=,.@-_.",
            )
        now = next((policy for policy in holder.inline_policies if policy.name == self.name), None)
        document = ledger.document(self.document, now.document if now else None)
        if now is not None and document is now.document:
            ledger.find("no effect", f"The inline policy {self.name} of {entity_name(holder.arn)} already says this.")
            return
        put = InlinePolicy(self.name, document)
        policies = tuple(put if policy is now else policy for policy in holder.inline_policies)
        ledger.put(replace(holder, inline_policies=policies if now is not None else (*policies, put)))

    def changes_nothing(self, standing: Standing) -> bool:
        return same_text(standing.inline(self.holder_arn, self.name), self.document)

    def aws_cli(self, edits: Sequence[BaseEdit], before: Account) -> Iterator[list[str]]:
        kind, name = iam_kind_and_name(self.holder_arn)
        names = option(f"--{kind}-name", name), option("--policy-name", NAME.checked(self.name))
        words = ("iam", f"put-{kind}-policy", *names, option("--policy-document", STDIN))
        yield call(words, ascii_document(self.document))

    def terraform(self, blocks: TerraformBlocks, edits: Sequence[BaseEdit], before: Account) -> Iterator[str]:
        kind, name = iam_kind_and_name(self.holder_arn)
        arguments: Arguments = {
            "name": quoted(NAME.checked(self.name)),
            kind: quoted(name),
            "policy": json_heredoc(ascii_document(self.document)),
        }
        exists = self.replaced(Standing(before)) is not None
        import_id = f"{name}:{self.name}" if exists else ""
        yield blocks.resource(f"aws_iam_{kind}_policy", (name, self.name), arguments, import_id)


class DeleteInlinePolicy(_InlineEdit, frozen=True):
    """Take an inline policy away."""

    commands = (("delete-inline",),)
    cli_phase = 4

    def words(self, standing: Standing) -> str:
        return f"delete the inline policy {self.name} of {entity_name(self.holder_arn)}"

    def lay(self, ledger: Ledger) -> None:
        holder = ledger.holder(self.holder_arn)
        left = tuple(policy for policy in holder.inline_policies if policy.name != self.name)
        if len(left) == len(holder.inline_policies):
            raise Misfit(
                f"{safe_text(entity_name(holder.arn))} has no inline policy "
                f"{safe_text(self.name, limit=160) or 'without a name'}",
                not_there("Its inline policies", (policy.name for policy in holder.inline_policies)),
            )
        ledger.put(replace(holder, inline_policies=left))

    def changes_nothing(self, standing: Standing) -> bool:
        known = holder_of(standing.account, self.holder_arn) is not None
        return known and standing.inline(self.holder_arn, self.name) is None

    def aws_cli(self, edits: Sequence[BaseEdit], before: Account) -> Iterator[list[str]]:
        kind, name = iam_kind_and_name(self.holder_arn)
        names = option(f"--{kind}-name", name), option("--policy-name", NAME.checked(self.name))
        yield call(("iam", f"delete-{kind}-policy", *names))

    def terraform(self, blocks: TerraformBlocks, edits: Sequence[BaseEdit], before: Account) -> Iterator[str]:
        kind, name = iam_kind_and_name(self.holder_arn)
        what = f"Delete the inline policy {self.name} of {kind} {name}"
        yield blocks.removal(what, f"aws_iam_{kind}_policy", (name, self.name), f"{name}:{NAME.checked(self.name)}")


class PutManagedPolicy(BaseEdit, frozen=True):
    """Give a customer managed policy a new default version, or create it."""

    policy_arn: OwnPolicyArn
    document: Document
    commands = (("put-policy",),)
    cli_phase = 0
    terraform_phase = 0

    @property
    def subject(self) -> tuple[str, ...]:
        return "managed", self.policy_arn

    @property
    def document_title(self) -> str:
        return f"The policy {safe_text(self.policy_arn, limit=256)}"

    @property
    def diff_path(self) -> str:
        return f"{folder(self.policy_arn)}.json"

    def words(self, standing: Standing) -> str:
        if not standing.has_managed(self.policy_arn):
            return f"create the policy {policy_name(self.policy_arn)}"
        return f"give the policy {policy_name(self.policy_arn)} a new default version"

    def replaced(self, standing: Standing) -> PolicyDocument | None:
        return standing.managed(self.policy_arn)

    def lay(self, ledger: Ledger) -> None:
        account = ledger.base
        arn = parse_arn(self.policy_arn)
        shown = safe_text(self.policy_arn, limit=512) or "an empty text"
        if arn is not None and arn.account == "aws" and arn.service == "iam":
            raise Misfit(
                f"{shown} is AWS's own policy, which only AWS changes",
                "Create a policy of your own with its text, and attach that instead.",
            )
        if (
            arn is None
            or (arn.partition, arn.service, arn.account) != (account.partition, "iam", account.id)
            or arn.resource_type != "policy"
            or not NAME.test(arn.name)
        ):
            raise Misfit(
                f"expected the ARN of a customer managed policy of account {account.id}, and {shown} is none",
                f"Write it as arn:{account.partition}:iam::{account.id}:policy/NAME.",
            )
        policy = ledger.policy(self.policy_arn)
        if policy is None:
            version = PolicyVersion("v1", ledger.document(self.document), is_default=True)
            nobody: Fact[int] = Known(0)
            ledger.put(ManagedPolicy(arn.name, arn.path, str(arn), "", None, (version,), nobody, nobody))
            return
        now = policy.default_version
        document = ledger.document(self.document, now.document if now else None)
        if now is not None and document is now.document:
            ledger.find("no effect", f"The policy {policy_name(policy.arn)} already says this.")
            return
        ledger.put(replace(policy, versions=_with_version(ledger, policy, document)))

    def changes_nothing(self, standing: Standing) -> bool:
        return same_text(standing.managed(self.policy_arn), self.document)

    def check_exportable(self, edits: Sequence[BaseEdit]) -> None:
        if ":iam::aws:" in self.policy_arn:
            raise Problem(
                f"{self.document_title} belongs to AWS, which alone can change it.",
                "Remove the edit and attach a policy of your own with the changed document instead.",
            )

    def name_and_path(self) -> tuple[str, str]:
        """The name and path in the ARN.

        Raises:
            InvalidValue: it is not the ARN of a policy.
        """
        arn = parse_arn(POLICY_ARN.checked(self.policy_arn))
        assert arn is not None
        return arn.name, POLICY_PATH.checked(arn.path)

    def aws_cli(self, edits: Sequence[BaseEdit], before: Account) -> Iterator[list[str]]:
        policy = before.policy(self.policy_arn)
        document = ascii_document(self.document)
        if policy is None:
            name, path = self.name_and_path()
            options = option("--policy-name", name), option("--path", path), option("--policy-document", STDIN)
            yield call(("iam", "create-policy", *options), document)
            return
        arn = option("--policy-arn", POLICY_ARN.checked(policy.arn))
        if len(policy.versions) >= MOST_VERSIONS:
            others = [version for version in policy.versions if not version.is_default]
            oldest = min(others, key=lambda version: _number(version.id), default=None)
            if oldest is not None:
                count = len(policy.versions)
                remark = f"It has {count} versions, the most there can be: {oldest.id}, the oldest, goes first."
                version = option("--version-id", VERSION_ID.checked(oldest.id))
                yield call(("iam", "delete-policy-version", arn, version), remarks=(remark,))
        options = arn, option("--policy-document", STDIN), "--set-as-default"
        yield call(("iam", "create-policy-version", *options), document)

    def terraform(self, blocks: TerraformBlocks, edits: Sequence[BaseEdit], before: Account) -> Iterator[str]:
        policy = before.policy(self.policy_arn)
        name, path = self.name_and_path()
        arguments: Arguments = {"name": quoted(name), "path": quoted(path)}
        unknown: list[str] = []
        if policy is not None:
            # A description that differs would make Terraform replace the policy instead of changing it.
            if isinstance(policy.description, Known):
                if policy.description.value:
                    arguments["description"] = quoted(POLICY_DESCRIPTION.checked(policy.description.value))
            else:
                unknown.append("description")
            add_tags(arguments, policy.tags, unknown)
        arguments["policy"] = json_heredoc(ascii_document(self.document))
        import_id = self.policy_arn if policy is not None else ""
        yield blocks.resource("aws_iam_policy", (name,), arguments, import_id, unknown, self.policy_arn)


def _with_version(ledger: Ledger, policy: ManagedPolicy, document: PolicyDocument) -> tuple[PolicyVersion, ...]:
    """The versions with the document as the new default one; a version that this draft made is replaced."""
    before = ledger.base.policy(policy.arn)
    kept = before.versions if before is not None else ()
    numbers = [int(version.id[1:]) for version in kept if version.id[1:].isdigit()]
    new = PolicyVersion(f"v{max(numbers, default=0) + 1}", document, is_default=True)
    return (new, *(replace(version, is_default=False) if version.is_default else version for version in kept))


def _number(version_id: str) -> int:
    """7 of "v7": AWS counts versions up and never gives a number again."""
    digits = version_id.lstrip("v")
    return int(digits) if digits.isascii() and digits.isdigit() else 0
