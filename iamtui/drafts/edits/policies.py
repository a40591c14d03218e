"""Edits of inline and customer managed policies, and of the policies of buckets, keys, queues and other resources."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import zip_longest
from typing import Final

from msgspec import structs

from iamtui.account.model import Account, Fact, InlinePolicy, Known, ManagedPolicy, PolicyVersion, ResourcePolicy
from iamtui.drafts.aws_values import (
    NAME,
    POLICY_ARN,
    POLICY_DESCRIPTION,
    POLICY_PATH,
    RESOURCE_ARN,
    VERSION_ID,
    entity_name,
    iam_kind_and_name,
    policy_name,
)
from iamtui.drafts.edits.base import (
    STDIN,
    AccountAfterEdits,
    Arguments,
    BaseEdit,
    Document,
    HolderArn,
    OwnPolicyArn,
    PolicyName,
    ResourceArn,
    TerraformBlocks,
    add_tags,
    ascii_document,
    call,
    comment,
    folder,
    holder_of,
    json_heredoc,
    option,
    quoted,
    segment,
)
from iamtui.drafts.ledger import Ledger, Misfit, not_there
from iamtui.policy.document import PolicyDocument
from iamtui.policy.patterns import Arn, parse_arn
from iamtui.policy.types import PolicyType
from iamtui.problem import Problem
from iamtui.resource_policy_services import SERVICE_SPECS, ServiceSpec, TerraformPolicy
from iamtui.text import safe_text

MOST_VERSIONS: Final = 5
"""Versions a managed policy may have (IAM User Guide: IAM and STS quotas)."""


class _InlineEdit(BaseEdit, frozen=True):
    holder_arn: HolderArn
    name: PolicyName
    subject_parts = ("inline", "holder_arn", "name")

    @property
    def diff_path(self) -> str:
        return f"{folder(self.holder_arn)}/inline/{segment(self.name)}.json"

    def replaced(self, current: AccountAfterEdits) -> PolicyDocument | None:
        return current.inline(self.holder_arn, self.name)


class PutInlinePolicy(_InlineEdit, frozen=True):
    """Add an inline policy, or replace the one of that name."""

    document: Document
    says = "give {holder} the inline policy {name}"
    says_replacing = "replace the inline policy {name} of {holder}"
    commands = (("put-inline",),)
    cli_phase = 2
    terraform_phase = 3

    @property
    def document_title(self) -> str:
        holder = self.holder_arn.split(":", 5)[-1]
        return f"The inline policy {safe_text(self.name, limit=128)} of {safe_text(holder, limit=256)}"

    def apply(self, ledger: Ledger) -> None:
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

    def aws_cli(self, edits: Sequence[BaseEdit], before: Account) -> Iterator[list[str]]:
        kind, name = iam_kind_and_name(self.holder_arn)
        names = option(f"--{kind}-name", name), option("--policy-name", NAME.checked(self.name))
        words = ("iam", f"put-{kind}-policy", *names, option("--policy-document", STDIN))
        yield call(words, ascii_document(self.document))

    def terraform(self, blocks: TerraformBlocks, edits: Sequence[BaseEdit], before: Account) -> Iterator[str]:
        kind, name = iam_kind_and_name(self.holder_arn)
        arguments: Arguments = {
            "name": quoted(NAME.checked(self.name)),
            kind: blocks.holder_reference(self.holder_arn, name),
            "policy": json_heredoc(ascii_document(self.document)),
        }
        exists = self.replaced(AccountAfterEdits(before)) is not None
        import_id = f"{name}:{self.name}" if exists else ""
        yield blocks.resource(f"aws_iam_{kind}_policy", (name, self.name), arguments, import_id)


class DeleteInlinePolicy(_InlineEdit, frozen=True):
    """Take an inline policy away."""

    says = "delete the inline policy {name} of {holder}"
    commands = (("delete-inline",),)
    cli_phase = 4

    def apply(self, ledger: Ledger) -> None:
        holder = ledger.holder(self.holder_arn)
        left = tuple(policy for policy in holder.inline_policies if policy.name != self.name)
        if len(left) == len(holder.inline_policies):
            raise Misfit(
                f"{safe_text(entity_name(holder.arn))} has no inline policy "
                f"{safe_text(self.name, limit=160) or 'without a name'}",
                not_there("Its inline policies", (policy.name for policy in holder.inline_policies)),
            )
        ledger.put(replace(holder, inline_policies=left))

    def changes_nothing(self, current: AccountAfterEdits) -> bool:
        known = holder_of(current.account, self.holder_arn) is not None
        return known and current.inline(self.holder_arn, self.name) is None

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
    says = "create the policy {policy}"
    says_replacing = "give the policy {policy} a new default version"
    commands = (("put-policy",),)
    cli_phase = 0
    terraform_phase = 0
    subject_parts = ("managed", "policy_arn")

    @property
    def document_title(self) -> str:
        return f"The policy {safe_text(self.policy_arn, limit=256)}"

    @property
    def diff_path(self) -> str:
        return f"{folder(self.policy_arn)}.json"

    def replaces(self, current: AccountAfterEdits) -> bool:
        return current.has_managed(self.policy_arn)

    def replaced(self, current: AccountAfterEdits) -> PolicyDocument | None:
        return current.managed(self.policy_arn)

    def apply(self, ledger: Ledger) -> None:
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
        # The versions with the document as the new default one; a version that this draft made is replaced.
        before = ledger.base.policy(policy.arn)
        kept = before.versions if before is not None else ()
        newest = max((version.number for version in kept), default=0)
        new = PolicyVersion(f"v{newest + 1}", document, is_default=True)
        others = (structs.replace(version, is_default=False) if version.is_default else version for version in kept)
        ledger.put(replace(policy, versions=(new, *others)))

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
            oldest = min(others, key=lambda version: version.number, default=None)
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


# The policies that resources have.


class _ResourceEdit(BaseEdit, frozen=True):
    resource_arn: ResourceArn
    subject_parts = ("resource", "resource_arn")

    @property
    def diff_path(self) -> str:
        service, _, rest = self.resource_arn.partition(":")[2].partition(":")[2].partition(":")
        return f"resource-policies/{segment(service)}/{segment(rest.lstrip(':') or self.resource_arn)}.json"

    def replaced(self, current: AccountAfterEdits) -> PolicyDocument | None:
        return current.resource(self.resource_arn)

    def checked(self, ledger: Ledger) -> Arn:
        """The ARN of a resource that can have a policy.

        Raises:
            Misfit: it is not one.
        """
        arn = parse_arn(self.resource_arn)
        shown = safe_text(self.resource_arn, limit=512) or "an empty text"
        if arn is None or not arn.resource or "*" in self.resource_arn or "?" in self.resource_arn:
            raise Misfit(f"expected the ARN of one resource, and {shown} is none", "Write it as arn:aws:s3:::bucket.")
        if arn.service in ("iam", "sts"):
            raise Misfit(
                f"{shown} has no resource policy", "A role's trust policy is changed by an edit of its own kind."
            )
        if arn.service == "s3" and not arn.account and "/" in arn.resource:
            bucket = arn.resource.split("/", 1)[0]
            raise Misfit(
                f"{shown} is an object, and policies belong to buckets",
                f"Name arn:{safe_text(arn.partition)}:s3:::{safe_text(bucket)}.",
            )
        if arn.account and arn.account not in (ledger.base.id, "aws"):
            ledger.find(
                "unknown", f"{shown} belongs to account {safe_text(arn.account)}, which would have to make this edit."
            )
        return arn

    def spec(self) -> tuple[Arn, ServiceSpec]:
        """The resource, and how its service's policies are written.

        Raises:
            Problem: there is no such AWS CLI call.
        """
        arn = parse_arn(self.resource_arn)
        writable = sorted(service for service, spec in SERVICE_SPECS.items() if spec.writes)
        if arn is None or arn.service not in writable:
            raise Problem(
                f"No single AWS CLI call writes the policy of {safe_text(self.resource_arn, limit=256)}.",
                f"One does for {', '.join(writable)}; export without this edit.",
            )
        RESOURCE_ARN.checked(self.resource_arn)
        return arn, SERVICE_SPECS[arn.service]

    def terraform_resource(self) -> tuple[Arn, TerraformPolicy] | None:
        """The resource and what Terraform calls its policy; None where it is not known."""
        arn = parse_arn(self.resource_arn)
        spec = SERVICE_SPECS.get(arn.service) if arn is not None else None
        if arn is None or spec is None or spec.terraform is None:
            return None
        RESOURCE_ARN.checked(self.resource_arn)
        return arn, spec.terraform


def _call(arn: Arn, spec: ServiceSpec, words: Sequence[str], document: str) -> list[str]:
    """A call with these words; where the service reads an attribute, the document is one ("" empties it)."""
    text = json.dumps({spec.attribute: document}, indent=2) if spec.attribute else document
    made = [*words[:2]]
    for name, value in zip_longest(words[2::2], words[3::2]):
        made.append(name if value is None else option(name, arn.filled(value)))
    if arn.region:
        made.append(option("--region", arn.region))
    return call(made, text)


class PutResourcePolicy(_ResourceEdit, frozen=True):
    """Set or replace the policy of a resource."""

    document: Document
    says = "set the policy of {resource}"
    says_replacing = "replace the policy of {resource}"
    commands = (("put-resource-policy",),)
    cli_phase = 3
    terraform_phase = 3

    @property
    def document_title(self) -> str:
        return f"The policy of {safe_text(self.resource_arn, limit=256)}"

    @property
    def policy_type(self) -> PolicyType:
        return PolicyType.RESOURCE

    def apply(self, ledger: Ledger) -> None:
        self.checked(ledger)
        shown = safe_text(self.resource_arn)
        now = ledger.resource_policy(self.resource_arn)
        document = ledger.document(self.document, now.document if now else None)
        if now is not None and now.state == "present" and document is now.document:
            ledger.find("no effect", f"The policy of {shown} already says this.")
            return
        if now is None or now.state == "denied":
            ledger.find("unknown", f"The policy that {shown} has now is not loaded; the edit replaces all of it.")
        ledger.put_resource_policy(self.resource_arn, ResourcePolicy("present", document))

    def aws_cli(self, edits: Sequence[BaseEdit], before: Account) -> Iterator[list[str]]:
        arn, spec = self.spec()
        yield _call(arn, spec, spec.writes, ascii_document(self.document))

    def terraform(self, blocks: TerraformBlocks, edits: Sequence[BaseEdit], before: Account) -> Iterator[str]:
        found = self.terraform_resource()
        if found is None:
            services = sorted(service for service, spec in SERVICE_SPECS.items() if spec.terraform is not None)
            raise Problem(
                f"No Terraform resource is known for the policy of {safe_text(self.resource_arn, limit=256)}.",
                f"There is one for {', '.join(services)}; export without this edit.",
            )
        arn, form = found
        owner = arn.filled(form.owner)
        arguments: Arguments = {form.argument: quoted(owner), "policy": json_heredoc(ascii_document(self.document))}
        known = before.resource_policies.get(self.resource_arn)
        # A key always has a policy; others are imported when they are known to have one.
        exists = (known is not None and known.state == "present") or arn.service == "kms"
        region = comment(f"In {arn.region}.") + "\n" if arn.region else ""
        yield region + blocks.resource(form.type, (arn.resource,), arguments, owner if exists else "")


class DeleteResourcePolicy(_ResourceEdit, frozen=True):
    """Take a resource's policy away."""

    says = "delete the policy of {resource}"
    commands = (("delete-resource-policy",),)
    cli_phase = 4

    def apply(self, ledger: Ledger) -> None:
        arn = self.checked(ledger)
        shown = safe_text(self.resource_arn)
        now = ledger.resource_policy(self.resource_arn)
        if now is not None and now.state == "none":
            raise Misfit(f"{shown} has no policy", "Leave the edit out.")
        if arn.service == "kms":
            raise Misfit("a KMS key always has exactly one key policy", "Replace the policy instead of deleting it.")
        if now is None or now.state == "denied":
            ledger.find("unknown", f"Whether {shown} has a policy now is not loaded.")
        ledger.put_resource_policy(self.resource_arn, ResourcePolicy("none"))

    def changes_nothing(self, current: AccountAfterEdits) -> bool:
        found = current.account.resource_policies.get(self.resource_arn)
        return found is not None and found.state == "none"

    def aws_cli(self, edits: Sequence[BaseEdit], before: Account) -> Iterator[list[str]]:
        arn, spec = self.spec()
        if not spec.removes:
            raise Problem(
                f"The policy of {safe_text(self.resource_arn, limit=256)} cannot be removed, only replaced.",
                "Put the policy into the draft that should stand in its place.",
            )
        yield _call(arn, spec, spec.removes, "")

    def terraform(self, blocks: TerraformBlocks, edits: Sequence[BaseEdit], before: Account) -> Iterator[str]:
        what = f"Remove the policy of {self.resource_arn}"
        found = self.terraform_resource()
        if found is None:
            yield comment(f"{what}: no Terraform resource is known for it.")
            return
        arn, form = found
        yield blocks.removal(what, form.type, (arn.resource,), arn.filled(form.owner))
