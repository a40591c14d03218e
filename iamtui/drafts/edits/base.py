"""Base class of the edits, the account's state before an edit, and the blocks of Terraform that edits write."""

from __future__ import annotations

import re
import shlex
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Annotated, ClassVar, Final, Self, TypeAlias

from msgspec import Meta, Struct, structs

from iamtui.account.model import Account, Group, OrganizationPolicy, Role, Tags, User
from iamtui.drafts.aws_values import (
    POLICY_ARN,
    RCP,
    SCP,
    TAG_KEY,
    TAG_VALUE,
    InvalidValue,
    attached,
    entity_name,
    find_level,
    level_words,
    policy_name,
    short_type,
)
from iamtui.drafts.ledger import Holder, Ledger
from iamtui.policy.document import PolicyDocument
from iamtui.policy.json_text import json_text
from iamtui.policy.types import PolicyType
from iamtui.text import safe_text


def _described(text: str) -> Meta:
    return Meta(description=text)


HolderArn: TypeAlias = Annotated[str, _described("the ARN of a user, group or role")]
BoundedArn: TypeAlias = Annotated[str, _described("the ARN of a user or role")]
PolicyArn: TypeAlias = Annotated[str, _described("the ARN of a managed policy")]
OwnPolicyArn: TypeAlias = Annotated[str, _described("the ARN of a customer managed policy")]
PolicyName: TypeAlias = Annotated[str, _described("the name of the policy")]
UserArn: TypeAlias = Annotated[str, _described("the ARN of a user")]
GroupArn: TypeAlias = Annotated[str, _described("the ARN of a group")]
RoleArn: TypeAlias = Annotated[str, _described("the ARN of a role")]
NewRoleArn: TypeAlias = Annotated[str, _described("the ARN of a role that is not there yet")]
AccessKeyId: TypeAlias = Annotated[str, _described("the id of an access key")]
ResourceArn: TypeAlias = Annotated[str, _described("the ARN of the resource that has the policy")]
LevelId: TypeAlias = Annotated[str, _described("the id of the root, an OU or the account")]
Document: TypeAlias = Annotated[str, _described("a policy document: a JSON object, or its text")]
"""Raw JSON text, so that what is not valid JSON yet can be kept and shown; the file has it as an object if it can."""
OrganizationPolicyType: TypeAlias = Annotated[
    str,
    Meta(
        pattern=r"^(SERVICE|RESOURCE)_CONTROL_POLICY$(?!\n)",
        description='"SERVICE_CONTROL_POLICY" or "RESOURCE_CONTROL_POLICY"',
        extra_json_schema={"enum": [SCP, RCP]},
    ),
]

STDIN: Final = "file:///dev/stdin"
"""From where the AWS CLI reads a document, so that the shell reads no text of a policy."""


class BaseEdit(
    Struct,
    frozen=True,
    tag_field="edit",
    tag=True,
    forbid_unknown_fields=True,
    rename={
        "holder_arn": "holder",
        "policy_arn": "policy",
        "user_arn": "user",
        "group_arn": "group",
        "role_arn": "role",
        "resource_arn": "resource",
        "level_id": "level",
    },
):
    """One edit of a draft. Each kind of edit is one class: its fields are its JSON form, the rest is declared here.

    Class variables:
        subject_parts: the kind of what it changes, and its fields that say which.
        says: it in words, with the names of its fields in braces.
        says_replacing: likewise where it `replaces` something, or "".
        commands: its names in `iamtui draft edit`, each with the values of the first fields that it stands for.
        cli_phase: its turn among the AWS CLI calls: policies (0) before what attaches them (2), limits (1) before what
            grants (2, 3), what adds before what takes away (4, and a boundary last, 5, before the policies, 6).
        terraform_phase: its turn in a configuration: policies (0), users and roles (1), memberships (2), what they
            and resources have (3), the organization (4), and remarks on what is taken away (5).
        of_organization: whether it takes the credentials of the organization's management account.
    """

    subject_parts: ClassVar[tuple[str, ...]]
    says: ClassVar[str]
    says_replacing: ClassVar[str] = ""
    commands: ClassVar[tuple[tuple[str, ...], ...]]
    cli_phase: ClassVar[int]
    terraform_phase: ClassVar[int] = 5
    of_organization: ClassVar[bool] = False

    @property
    def subject(self) -> tuple[str, ...]:
        """Identity of the thing it changes: of two edits with one subject, the later one counts."""
        kind, *fields = self.subject_parts
        return kind, *(getattr(self, field) for field in fields)

    @property
    def touched(self) -> frozenset[str]:
        """The ARNs of what it is made on: of an attachment the holder's alone, since the policy stays as it is."""
        fields = [field for field in self.__struct_fields__ if field.endswith("_arn")]
        holder = [field for field in fields if field == "holder_arn"]
        return frozenset(getattr(self, field) for field in holder or fields)

    def words(self, current: AccountAfterEdits) -> str:
        """In one line, raw: "attach ReadOnlyAccess to user/alice"."""
        said = self.says_replacing if self.says_replacing and self.replaces(current) else self.says
        naming: dict[str, Callable[[str], str]] = {
            "policy_arn": policy_name,
            "resource_arn": str,
            "name": str,
            "type": short_type,
            "level_id": partial(level_words, current.account),
        }
        values = structs.asdict(self).items()
        fields = ((field, value) for field, value in values if field != "document" and isinstance(value, str))
        return said.format(
            **{field.removesuffix("_arn"): naming.get(field, entity_name)(value) for field, value in fields}
        )

    def replaces(self, current: AccountAfterEdits) -> bool:
        """True if its target already exists."""
        return self.replaced(current) is not None

    def apply(self, ledger: Ledger) -> None:
        """Make it in the working copy of an account.

        Raises:
            Misfit: it does not fit the account.
        """
        raise NotImplementedError

    def changes_nothing(self, current: AccountAfterEdits) -> bool:
        """True if an account is known to have the document already that the edit puts in place."""
        return self.document is not None and same_text(self.replaced(current), self.document)

    def aws_cli(self, edits: Sequence[BaseEdit], before: Account) -> Iterator[list[str]]:
        """The lines of each AWS CLI call.

        Raises:
            Problem: no call makes it.
        """
        raise NotImplementedError

    def terraform(self, blocks: TerraformBlocks, edits: Sequence[BaseEdit], before: Account) -> Iterator[str]:
        """Its blocks, or remarks where no block can express it.

        Raises:
            Problem: no resource of the provider says it.
        """
        raise NotImplementedError

    # What most kinds have in common.

    @property
    def document(self) -> str | None:
        """The document that it puts in place, as raw text."""
        return None

    @property
    def document_title(self) -> str:
        """Title of its document, safe to show, to begin a sentence."""
        return "An edit"

    @property
    def diff_path(self) -> str:
        """Where a diff has the document; "" where it changes what the holder's listing says."""
        return ""

    @property
    def policy_type(self) -> PolicyType:
        """Use of its document."""
        return PolicyType.IDENTITY

    @property
    def brought_policy(self) -> str:
        """The ARN of the managed policy that it attaches or makes the boundary."""
        return ""

    @property
    def group(self) -> str:
        """The ARN of the group whose members it changes."""
        return ""

    @property
    def deletes(self) -> str:
        """The ARN of the user or role that is gone afterwards, with all that other edits say of it."""
        return ""

    @property
    def detachment(self) -> str:
        """The managed policy that the edit detaches, and from whom, raw; "" for other edits."""
        return ""

    def replaced(self, current: AccountAfterEdits) -> PolicyDocument | None:
        """The document that it replaces, or whose statements it takes away."""
        return None

    def taken_away(self, current: AccountAfterEdits) -> PolicyDocument | None:
        """The document to show as what goes."""
        return self.replaced(current)

    def resolved(self, after: Account) -> Self:
        """The edit with ARNs in the place of names of AWS managed policies, as the account has them afterwards."""
        return self

    def check_exportable(self, edits: Sequence[BaseEdit]) -> None:
        """Refuse what AWS could not take.

        Raises:
            Problem: says what, and what to do.
        """


class AccountAfterEdits:
    """An account with some edits made, looked at document by document.

    Args:
        earlier: the edits made so far, oldest first.
    """

    def __init__(self, account: Account, earlier: Iterable[BaseEdit] = ()) -> None:
        self.account = account
        self._latest: dict[tuple[str, ...], BaseEdit] = {}
        self._texts: dict[tuple[str, str], str] = {}
        for edit in earlier:
            self.make(edit)

    def make(self, edit: BaseEdit) -> None:
        """Take in one more edit."""
        subject = edit.subject
        self._latest[subject] = edit
        if edit.document is not None:
            self._texts[subject[0], subject[-1]] = edit.document

    def _made(self, *subject: str) -> BaseEdit | None:
        return self._latest.get(subject)

    def has_managed(self, arn: str) -> bool:
        made = self._made("managed", arn)
        return made.document is not None if made is not None else self.account.policy(arn) is not None

    def managed(self, arn: str) -> PolicyDocument | None:
        """The document in force of a managed policy; None: there is none, or it is not loaded."""
        made = self._made("managed", arn)
        if made is not None:
            return brought_document(made)
        return self.account.document(arn)

    def inline(self, holder_arn: str, name: str) -> PolicyDocument | None:
        made = self._made("inline", holder_arn, name)
        if made is not None:
            return brought_document(made)
        holder = holder_of(self.account, holder_arn)
        inline = holder.inline_policies if holder is not None else ()
        return next((policy.document for policy in inline if policy.name == name), None)

    def trust(self, role_arn: str) -> PolicyDocument | None:
        """A role's trust policy; None for a role that is not loaded."""
        made = self._made("trust", role_arn) or self._made("role", role_arn)
        if made is not None:
            return brought_document(made)
        role = self.account.by_arn(role_arn)
        return role.trust if isinstance(role, Role) else None

    def boundary(self, holder_arn: str) -> str:
        """The ARN of the permissions boundary of a user or role, or ""."""
        made = self._made("boundary", holder_arn)
        if made is not None:
            return made.brought_policy
        holder = self.account.by_arn(holder_arn)
        return (holder.boundary_arn or "") if isinstance(holder, User | Role) else ""

    def organization(self, type_: str, level_id: str, name: str) -> PolicyDocument | None:
        """The SCP or RCP of this name at a level, or None. One name is one policy, with one text at all levels."""
        kind = short_type(type_).lower()
        there = organization_policy(self.account, type_, level_id, name)
        made = self._made(kind, level_id, name)
        if made.document is None if made is not None else there is None:
            return None
        text = self._texts.get((kind, name))
        if text is not None:
            return PolicyDocument(text)
        return there.document if there is not None else None

    def resource(self, resource_arn: str) -> PolicyDocument | None:
        """The policy of a resource; None: it has none, or it is not loaded."""
        made = self._made("resource", resource_arn)
        if made is not None:
            return brought_document(made)
        known = self.account.resource_policies.get(resource_arn)
        return known.document if known is not None and known.state == "present" else None


def describe_edit(edit: BaseEdit, account: Account, earlier: Sequence[BaseEdit] = ()) -> str:
    """One edit in one line, safe to show: "attach ReadOnlyAccess to user/alice".

    Args:
        earlier: the edits of the draft before this one; with the account they tell adding from replacing.
    """
    return safe_text(edit.words(AccountAfterEdits(account, earlier)))


def describe_edits(edits: Iterable[BaseEdit], account: Account) -> Iterator[str]:
    """Each edit of a draft in one line, as `describe_edit` says it."""
    current = AccountAfterEdits(account)
    for edit in edits:
        yield safe_text(edit.words(current))
        current.make(edit)


def brought_document(edit: BaseEdit) -> PolicyDocument | None:
    return PolicyDocument(edit.document) if edit.document is not None else None


def same_text(document: PolicyDocument | None, text: str) -> bool:
    return document is not None and document.text == PolicyDocument(text).text


def holder_of(account: Account, arn: str) -> Holder | None:
    """The user, group or role of this ARN, or None."""
    found = account.by_arn(arn)
    return found if isinstance(found, User | Group | Role) else None


def policies_at(account: Account, type_: str, level_id: str) -> Sequence[OrganizationPolicy] | None:
    """The SCPs or RCPs at a level; None when they or the level are unknown."""
    level = find_level(account, level_id)
    return attached(level, type_).value_or(None) if level is not None else None


def organization_policy(account: Account, type_: str, level_id: str, name: str) -> OrganizationPolicy | None:
    found = policies_at(account, type_, level_id) or ()
    return next((policy for policy in found if policy.name == name), None)


def ascii_document(text: str) -> str:
    """A policy document as indented JSON in ASCII, so that it reads the same in every locale and hides nothing."""
    return json_text(PolicyDocument(text).value, indent=2, ensure_ascii=True)


_LOADED: Final = re.compile(r"(?:fileb?|https?)://")
_QUEUE_URL: Final = re.compile(r"https://(?:sqs|queue)\.[a-z0-9-]+\.amazonaws\.com(?:\.cn)?/[0-9]{12}/[A-Za-z0-9_.-]+")


def option(name: str, value: str) -> str:
    """An option of the AWS CLI with a value that was checked, quoted for the shell; one that begins with "-" stays a
    value.

    Raises:
        InvalidValue: the AWS CLI would send what a file or an address holds in its place (AWS CLI User Guide: loading
            a parameter from a file).
    """
    if _LOADED.match(value) and value != STDIN and not _QUEUE_URL.fullmatch(value):
        raise InvalidValue(f"the AWS CLI would read the file or address {safe_text(value, limit=160)} instead")
    if any(unicodedata.category(character) in _UNSEEN and character not in "\t\n\r" for character in value):
        raise InvalidValue(f"{safe_text(value, limit=160)} has characters that nobody can see in a script")
    # zsh takes a word that begins with "=" for the path of a command.
    return f"{name}{'=' if value.startswith(('-', '=')) else ' '}{shlex.quote(value)}"


_UNSEEN: Final = ("Cc", "Cf", "Cs", "Co", "Zl", "Zp")
"""Categories of Unicode: controls, formats such as the direction of writing, halves of a pair, private use, breaks."""


def call(words: Sequence[str], document: str = "", remarks: Sequence[str] = ()) -> list[str]:
    """The lines of an AWS CLI call.

    Args:
        words: those behind `aws`, written here or by `option`.
        document: what the call reads from standard input, or "".
        remarks: comment lines above it, raw.
    """
    rows = [f"# {safe_text(remark)}" for remark in remarks]
    line = " ".join(("aws", *words))
    # No line of rendered JSON is a bare word, so the text cannot end the here-document.
    return [*rows, f"{line} <<'POLICY'", document, "POLICY"] if document else [*rows, line]


_PLAIN: Final = re.compile(r"[^A-Za-z0-9._+=,@-]")


def folder(arn: str) -> str:
    """iam/role/NAME of the ARN of a user, group, role or policy; IAM names are unique without their paths."""
    resource = arn.split(":", 5)[-1]
    owner = "aws-policy" if ":iam::aws:" in arn else segment(resource.partition("/")[0])
    return f"iam/{owner}/{segment(resource.rsplit('/', 1)[-1])}"


def segment(text: str) -> str:
    """A text as one segment of a path, with %XX for characters that could mislead a file system."""
    escaped = _PLAIN.sub(
        lambda match: "".join(f"%{byte:02X}" for byte in match.group().encode("utf-8", "replace")), text
    )
    return escaped.replace(".", "%2E") if not escaped.strip(".") else escaped


# Writing HCL, Terraform's language, for the AWS provider: quoted strings, blocks, names, import blocks.


# Terraform Language: Strings and Templates.

_ESCAPES: Final = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
_TEMPLATE: Final = re.compile(r"([$%]*)([$%])\{")
_NO_IDENTIFIER: Final = re.compile(r"[^A-Za-z0-9_-]+")


def quoted(text: str) -> str:
    """Text as a quoted string whose value is exactly this text."""
    return f'"{_without_templates("".join(_escaped(character) for character in text))}"'


def _escaped(character: str) -> str:
    known = _ESCAPES.get(character)
    if known is not None:
        return known
    code = ord(character)
    if 0x20 <= code < 0x7F:
        return character
    return f"\\u{code:04X}" if code <= 0xFFFF else f"\\U{code:08X}"


def _without_templates(text: str) -> str:
    r"""Escape the start of a template; behind another $ or %, where doubling means something else, as \u.

    Both quoted strings and the JSON in a here-document read \u0024 as $.
    """

    def escape(match: re.Match[str]) -> str:
        before, mark = match.groups()
        if before:
            return f"{before}\\u{ord(mark):04x}{{"
        return f"{mark}{mark}{{"

    return _TEMPLATE.sub(escape, text)


def json_heredoc(document: str) -> list[str]:
    """The lines of a here-document that holds JSON: the opening one ends an argument's line.

    Args:
        document: indented JSON text in ASCII; no line of it is a bare word.
    """
    return ["<<POLICY", *_without_templates(document).split("\n"), "POLICY"]


def comment(text: str) -> str:
    return f"# {safe_text(text, limit=None)}"


def block(kind: str, labels: Iterable[str], arguments: Mapping[str, str | list[str]], more: Iterable[str] = ()) -> str:
    """A block of arguments whose values are HCL already; several lines make a here-document.

    Args:
        labels: raw texts.
        more: lines below the arguments, indented here.
    """
    rows = [" ".join([kind, *(quoted(label) for label in labels)]) + " {"]
    single = [name for name, value in arguments.items() if isinstance(value, str)]
    width = max((len(name) for name in single), default=0)
    for name, value in arguments.items():
        if isinstance(value, str):
            rows.append(f"  {name.ljust(width)} = {value}")
        else:
            rows += [f"  {name} = {value[0]}", *value[1:]]
    rows += [f"  {row}" if row else "" for row in more]
    return "\n".join([*rows, "}"])


class Names:
    """Gives each resource a valid name that no other of its type has."""

    def __init__(self) -> None:
        self._given: set[tuple[str, str]] = set()

    def name(self, resource_type: str, *parts: str) -> str:
        """A name for a resource made of raw texts, such as those of a role and a policy."""
        words = [_NO_IDENTIFIER.sub("_", part).strip("_") for part in parts]
        base = "_".join(word for word in words if word)[:200] or "unnamed"
        if not (base[0].isalpha() or base[0] == "_"):
            base = f"_{base}"
        name, count = base, 1
        while (resource_type, name.lower()) in self._given:
            count += 1
            name = f"{base}_{count}"
        self._given.add((resource_type, name.lower()))
        return name


Arguments = dict[str, str | list[str]]


class TerraformBlocks:
    """Writes the blocks of one configuration."""

    def __init__(self) -> None:
        self._names = Names()
        self.created: dict[str, str] = {}
        """Reference to the ARN or id of a policy, or the name of a role, that this configuration creates, by ARN or by
        type and name."""

    def resource(
        self,
        resource_type: str,
        parts: Sequence[str],
        arguments: Arguments,
        import_id: str = "",
        unknown: Sequence[str] = (),
        reference: str = "",
    ) -> str:
        """A resource block, and an import block where it exists already.

        Args:
            unknown: arguments whose present values are not known, which Terraform shall leave as they are.
            reference: under which key others refer to its `arn` or `id`.
        """
        name = self._names.name(resource_type, *parts)
        more: list[str] = []
        if unknown:
            more = ["", "lifecycle {", f"  ignore_changes = [{', '.join(unknown)}]", "}"]
        text = block("resource", (resource_type, name), arguments, more)
        if reference:
            attribute = "arn" if resource_type == "aws_iam_policy" else "id"
            self.created[reference] = f"{resource_type}.{name}.{attribute}"
        if import_id:
            text = block("import", (), {"to": f"{resource_type}.{name}", "id": quoted(import_id)}) + "\n\n" + text
        return text

    def holder_reference(self, arn: str, name: str) -> str:
        """The name of a user, group or role, by which Terraform knows what it makes first."""
        return self.created.get(arn) or quoted(name)

    def policy_reference(self, arn: str) -> str:
        return self.created.get(arn) or quoted(POLICY_ARN.checked(arn))

    def removal(self, what: str, resource_type: str, parts: Sequence[str], import_id: str) -> str:
        address = f"{resource_type}.{self._names.name(resource_type, *parts)}"
        rows = [
            f"{what}: delete its resource from the configuration that has it. Where none has it, write an empty",
            f'resource "{resource_type}" "{address.partition(".")[2]}", then:',
            f"  terraform import {shlex.quote(address)} {shlex.quote(import_id)}",
            f"  terraform destroy -target={shlex.quote(address)}",
        ]
        return "\n".join(comment(row) for row in rows)


def add_tags(arguments: Arguments, tags: Tags, unknown: list[str]) -> None:
    """Tags that are there stay: a resource without them would have Terraform take them away."""
    if not tags:
        unknown += ["tags", "tags_all"]
        return
    own = [(key, value) for key, value in tags if not key.startswith("aws:")]  # AWS alone sets and keeps the others.
    pairs = (f"{quoted(TAG_KEY.checked(key))} = {quoted(TAG_VALUE.checked(value))}" for key, value in own)
    arguments["tags"] = "{ " + ", ".join(pairs) + " }"
