"""Edits of the policies that resources have: buckets, keys, queues and others."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from itertools import zip_longest

from iamtui.account.model import Account, ResourcePolicy
from iamtui.drafts.aws_values import RESOURCE_ARN
from iamtui.drafts.edits.base import (
    BaseEdit,
    Document,
    ResourceArn,
    Standing,
    ascii_document,
    call,
    option,
    same_text,
    segment,
)
from iamtui.drafts.hcl import Arguments, TerraformBlocks, comment, json_heredoc, quoted
from iamtui.drafts.ledger import Ledger, Misfit
from iamtui.policy.arn import Arn, parse_arn
from iamtui.policy.document import PolicyDocument
from iamtui.policy.types import PolicyType
from iamtui.problem import Problem
from iamtui.resource_policy_services import SERVICE_SPECS, ServiceSpec, TerraformPolicy
from iamtui.text import safe_text


class _ResourceEdit(BaseEdit, frozen=True):
    """An edit of the policy of one resource."""

    resource_arn: ResourceArn

    @property
    def subject(self) -> tuple[str, ...]:
        return "resource", self.resource_arn

    @property
    def diff_path(self) -> str:
        service, _, rest = self.resource_arn.partition(":")[2].partition(":")[2].partition(":")
        return f"resource-policies/{segment(service)}/{segment(rest.lstrip(':') or self.resource_arn)}.json"

    def replaced(self, standing: Standing) -> PolicyDocument | None:
        return standing.resource(self.resource_arn)

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
    commands = (("put-resource-policy",),)
    cli_phase = 3
    terraform_phase = 3

    @property
    def document_title(self) -> str:
        return f"The policy of {safe_text(self.resource_arn, limit=256)}"

    @property
    def policy_type(self) -> PolicyType:
        return PolicyType.RESOURCE

    def words(self, standing: Standing) -> str:
        verb = "replace" if self.replaced(standing) is not None else "set"
        return f"{verb} the policy of {self.resource_arn}"

    def lay(self, ledger: Ledger) -> None:
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

    def changes_nothing(self, standing: Standing) -> bool:
        return same_text(self.replaced(standing), self.document)

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

    commands = (("delete-resource-policy",),)
    cli_phase = 4

    def words(self, standing: Standing) -> str:
        return f"delete the policy of {self.resource_arn}"

    def lay(self, ledger: Ledger) -> None:
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

    def changes_nothing(self, standing: Standing) -> bool:
        found = standing.account.resource_policies.get(self.resource_arn)
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
