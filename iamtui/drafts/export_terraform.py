"""A draft as a Terraform configuration for the AWS provider: resources, and import blocks for what exists already.

Resource types, arguments and import ids are those of the AWS provider's documentation. What a draft takes away
cannot be said by a resource, so it stands as comments with the address and the id to import.
"""

from __future__ import annotations

from collections.abc import Sequence

from iamtui.account.model import Account
from iamtui.drafts.edits import Draft, Edit
from iamtui.drafts.export_cli import header
from iamtui.drafts.hcl import TerraformBlocks, comment


def terraform_configuration(edits: Sequence[Edit], draft: Draft, before: Account, note: str) -> str:
    """The configuration, ending with a line break."""
    blocks = TerraformBlocks()
    in_turn = sorted(edits, key=lambda edit: edit.terraform_phase)
    parts = [part for edit in in_turn for part in edit.terraform(blocks, edits, before)]
    head = [comment(row) for row in header("Terraform", draft, before, note)]
    head += [
        "# iamtui applies nothing. Import blocks (Terraform 1.5) bring what exists already",
        "# under its control: leave out what your configuration manages elsewhere, and",
        "# read `terraform plan` before you apply.",
    ]
    if not parts:
        parts = ["# The draft changes nothing in this account."]
    return "\n\n".join(["\n".join(head), *parts]) + "\n"
