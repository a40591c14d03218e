"""The policy of one resource, read when somebody asks about the resource by the calls of its `ServiceSpec`."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from functools import cache
from typing import Annotated, Any, Final

from msgspec import Meta, Struct, defstruct, field

from iamtui.account.model import Account, Gap, PublicAccessBlock, ResourcePolicy
from iamtui.aws.answers import list_of, only
from iamtui.aws.connection import Connection
from iamtui.aws.errors import AwsProblem
from iamtui.policy.document import JsonValue, PolicyDocument, as_list
from iamtui.policy.patterns import Arn, parse_arn
from iamtui.problem import Problem
from iamtui.resource_policy_services import EACH, SERVICE_SPECS, PolicyRead, ServiceSpec
from iamtui.sources.parallel import failure


def load_resource_policy(connection: Connection, account: Account, resource_arn: str) -> Account:
    """The same account with the policy of one resource, and for a bucket with its public access block.

    Args:
        resource_arn: the ARN of the resource that carries the policy (the bucket, not the object); an alias of a KMS
            key stands for the key, which the account then tells (`kms_aliases`).

    Raises:
        Problem: not one resource, a service without a known call, no such resource, or AWS cannot be reached.
    """
    arn = parse_arn(resource_arn)
    if arn is not None and arn.service == "kms" and arn.resource.startswith("alias/"):
        account = _with_aliases(connection, account, arn)
        resource_arn = account.kms_aliases[resource_arn]
        arn = parse_arn(resource_arn)
    if arn is None or "*" in resource_arn or "?" in resource_arn:
        raise Problem(f"{resource_arn} does not name one resource.", "Give the whole ARN of one resource.")
    spec = SERVICE_SPECS.get(arn.service)
    if spec is None or not spec.reads:
        known = ", ".join(sorted(name for name, one in SERVICE_SPECS.items() if one.reads))
        raise Problem(
            f"The policy of a resource of {arn.service or 'no service'} cannot be loaded.",
            f"It can for {known}; a scenario file with a resource_policy answers for others.",
        )
    policies = {**account.resource_policies, resource_arn: _resource_policy(connection, account, arn, spec)}
    loaded = replace(account, resource_policies=policies)
    return _with_public_access_block(connection, loaded, arn.resource) if arn.service == "s3" else loaded


def _with_aliases(connection: Connection, account: Account, arn: Arn) -> Account:
    if arn.account != account.id:
        raise Problem(
            f"The aliases of KMS keys of account {arn.account} cannot be listed from account {account.id}.",
            "Ask about the key by its own ARN.",
        )
    found = read_kms_aliases(connection, account, arn.region)
    if str(arn) not in found:
        raise Problem(
            f"No KMS key of account {arn.account} in {arn.region} has the alias {arn.resource.removeprefix('alias/')}.",
            "Check the name, the account and the region in its ARN.",
        )
    return replace(account, kms_aliases={**account.kms_aliases, **found})


def read_kms_aliases(connection: Connection, account: Account, region: str) -> dict[str, str]:
    """The aliases of a Region, each with the ARN of its key.

    Raises:
        Problem: the call failed.
    """
    keys = f"arn:{account.partition}:kms:{region}:{account.id}:key/"
    return {
        alias.alias_arn: keys + alias.target_key_id
        for page in connection.pages("kms", "ListAliases", list_of("Aliases", _Alias), in_region=region)
        for alias in page.value
        if alias.target_key_id
    }


def _resource_policy(connection: Connection, account: Account, arn: Arn, spec: ServiceSpec) -> ResourcePolicy:
    if spec.form is not None and re.fullmatch(spec.form.pattern, str(arn), re.DOTALL) is None:
        raise Problem(f"{arn} is not {spec.form.words}.", spec.form.advice)
    policies: dict[str, None] = {}
    found = ""
    for read in spec.reads:
        applies = not read.only_for or re.fullmatch(read.only_for, arn.resource, re.DOTALL)
        if not applies or (read.otherwise and policies):
            continue
        try:
            texts = _read(connection, account, arn, read, found)
        except AwsProblem as problem:
            if problem.code in spec.no_policy or (read.otherwise and problem.code in spec.not_there):
                continue
            if problem.denied:
                return ResourcePolicy("denied", permission=problem.permission)
            if problem.code in spec.not_there:
                raise _no_resource(arn, spec, problem) from None
            raise
        if read.leads_on:
            found = texts[0]
        else:
            policies.update(dict.fromkeys(text for text in texts if text not in ("", *spec.no_policy)))
    return ResourcePolicy("present", _in_force_together([*policies])) if policies else ResourcePolicy("none")


def _read(connection: Connection, account: Account, arn: Arn, read: PolicyRead, found: str) -> list[str]:
    """Result of a call: the policies, or the one text that the next call needs.

    Raises:
        Problem: the call failed, or would be about another account's resource of the same name.
    """
    if arn.account and arn.account != account.id and not read.names_account:
        raise Problem(
            f"The policy of {arn} cannot be read from account {account.id}: AWS gives it to its owner alone.",
            f"Ask from account {arn.account}, or answer it with a scenario file that holds the policy.",
        )
    parameters = {
        name: arn.filled(value, found=found) if isinstance(value, str) else value
        for name, value in read.parameters.items()
    }
    region = arn.region if arn.service != "s3" else connection.region or "us-east-1"
    shape = _shape(read.answer, read.beside)
    if EACH in read.answer[:-1]:
        answers = list(connection.pages(read.service, read.operation, shape, in_region=region, **parameters))
    else:
        answers = [connection.call(read.service, read.operation, shape, in_region=region, **parameters)]
    for name in read.answer:
        if name == EACH:
            answers = [one for all_ in answers for one in (all_.values() if isinstance(all_, dict) else all_)]
        else:
            answers = [one.text for one in answers]
    texts = [_unescaped(text) for text in answers] if read.escaped else answers
    if read.short_for_arn:
        texts = [text.replace(f'"{read.short_for_arn}/', f'"{arn}/') for text in texts]
    return texts


def _unescaped(text: str) -> str:
    """A policy that comes as the inside of a JSON string, where every quote has a backslash."""
    try:
        return str(json.loads(f'"{text}"'))
    except ValueError:
        return text


def _in_force_together(texts: list[str]) -> PolicyDocument:
    """Merge several policies of a resource into an equivalent one; an unreadable one makes the whole unreadable."""
    documents = [PolicyDocument(text) for text in texts]
    unread = next((one for one in documents if one.error is not None), None)
    if len(documents) == 1 or unread is not None:
        return unread or documents[0]
    statements: list[JsonValue] = []
    for document in documents:
        policy = document.value
        assert isinstance(policy, dict)
        own = policy.get("Statement", [])
        has_variables = policy.get("Version") == _WITH_VARIABLES
        statements += as_list(own if has_variables else _without_variables(own))
    return PolicyDocument(json.dumps({"Version": _WITH_VARIABLES, "Statement": statements}, indent=2))


_WITH_VARIABLES: Final = "2012-10-17"


def _without_variables(value: JsonValue) -> JsonValue:
    """A part of a policy of a version without policy variables, in which a dollar is one."""
    if isinstance(value, dict):
        return {name: _without_variables(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_without_variables(one) for one in value]
    return value.replace("${", "${$}{") if isinstance(value, str) else value


@cache
def _shape(members: tuple[str, ...], beside: str) -> Any:
    """Struct to decode the text at these members of an answer, read as `text`."""
    *outer, last = members
    shape: Any = Annotated[str, Meta(min_length=1)]
    if last == EACH:
        shape = dict[str, shape]
    elif beside:
        shape = defstruct("Answer", [("beside", str, field(name=beside)), ("text", str, field(default="", name=last))])
    else:
        shape = defstruct("Answer", [("text", shape, field(name=last))])
    for name in reversed(outer):
        shape = list[shape] if name == EACH else defstruct("Answer", [("text", shape, field(name=name))])
    return shape


def _no_resource(arn: Arn, spec: ServiceSpec, problem: AwsProblem) -> AwsProblem:
    if arn.service == "s3":
        sentence = f"There is no bucket {arn.resource} ({problem.code})."
        step = (
            "Check the name: it is unique among the buckets of all accounts and regions, so no other account has one."
        )
    else:
        place = f"account {arn.account} and region {arn.region}"
        name = arn.resource.removeprefix(spec.before_name)
        sentence = f"There is no {spec.resource} {name} in {place}, or the caller may not see it ({problem.code})."
        step = "Check the name, the account and the region in its ARN."
    return AwsProblem(sentence, step, code=problem.code, permission=problem.permission)


_NO_BLOCK: Final = "NoSuchPublicAccessBlockConfiguration"


class _Alias(Struct, rename="pascal"):
    """An alias (KMS API Reference: AliasListEntry, whose patterns these are)."""

    alias_arn: Annotated[str, Meta(pattern=r"^arn:[a-z-]+:kms:[a-z0-9-]+:[0-9]{12}:alias/[A-Za-z0-9/_-]{1,256}$")]
    target_key_id: Annotated[str, Meta(pattern=r"^[A-Za-z0-9-]{0,64}$")] = ""


class _Switches(Struct, rename="pascal"):
    restrict_public_buckets: bool


def _with_public_access_block(connection: Connection, account: Account, bucket: str) -> Account:
    """The bucket's Block Public Access as it takes effect: its own and the account's, the stricter of each.

    The account's own switch only counts for its own buckets, so S3 is told whose the bucket must be. When either
    cannot be read, nothing is claimed and the gap says which permission lacks (S3 User Guide:
    Blocking public access to your Amazon S3 storage).
    """
    region = connection.region or "us-east-1"
    try:
        restricts = _restricts(connection, "s3", region, Bucket=bucket, ExpectedBucketOwner=account.id)
        if not restricts:
            restricts = _account_restricts(connection, account.id, region)
    except AwsProblem as problem:
        if problem.fatal:
            raise
        gap = Gap(f"public access block of bucket {bucket}", problem.permission, failure(problem))
        return replace(account, gaps=(*(one for one in account.gaps if one.what != gap.what), gap))
    blocks = {**account.public_access_blocks, bucket: PublicAccessBlock(restrict_public_buckets=restricts)}
    return replace(account, public_access_blocks=blocks)


def _account_restricts(connection: Connection, account_id: str, region: str) -> bool:
    if connection.endpoint_url:
        # The account's id becomes part of the host name, and only AWS has names for all of them.
        raise AwsProblem(
            f"{connection.endpoint_url} cannot be asked for the account's public access block.",
            code="NotImplemented",
            permission="s3:GetAccountPublicAccessBlock",
        )
    return _restricts(connection, "s3control", region, AccountId=account_id)


def _restricts(connection: Connection, service: str, region: str, **parameters: str) -> bool:
    try:
        form = only("PublicAccessBlockConfiguration", _Switches)
        answer = connection.call(service, "GetPublicAccessBlock", form, in_region=region, **parameters)
    except AwsProblem as problem:
        if problem.code == _NO_BLOCK:
            return False
        raise
    return answer.value.restrict_public_buckets
