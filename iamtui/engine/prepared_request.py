"""A request made ready: action, resource, owner, rules, resources of a set; with findings shared by all callers."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final, NamedTuple

from iamtui.catalog.actions import ENGINE_CATALOGUE, supports_resource_account
from iamtui.catalog.arn_forms import ArnForm, Name, Needs, patterns_of_aws
from iamtui.catalog.between_accounts import call_limit
from iamtui.catalog.newer import about
from iamtui.catalog.service_data import data_date
from iamtui.engine.decision import Layer
from iamtui.engine.policy_holders import places
from iamtui.engine.policy_sets import CarriedPolicy, LayerStatement, PolicySet
from iamtui.engine.possible_requests import place_of_resource
from iamtui.engine.request import Principal, PrincipalKind, Request, partition_of
from iamtui.engine.service_rules import (
    decided_besides,
    depends_on_credentials,
    escapes_rcps,
    is_assumption_of_service_linked_role,
    is_key_question,
    is_trust_question,
    is_use_of_alias,
    refusal,
    takes_resource_policy,
)
from iamtui.policy.context import RequestContext, Truth, all_of
from iamtui.policy.pattern_overlap import in_common
from iamtui.policy.patterns import (
    WITHOUT,
    Arn,
    Glob,
    Machine,
    Token,
    Wild,
    arn_tokens,
    is_account_id,
    parse_arn,
    parse_pieces,
    request_tokens,
    tokens_of,
)
from iamtui.policy.resource import RequestResource, ResourceElement, ResourceKind, ResourceMatcher, ResourceSet
from iamtui.policy.statement import ActionName, Caller, CompiledStatement, action_name
from iamtui.policy.types import LanguageOptions
from iamtui.text import safe_text


class ActionFacts:
    """Facts of an action that do not depend on resource and caller.

    Args:
        action: the action, cut.
        has_type: whether it has a resource type; None: the catalogue does not know it.
        may_be_synthetic: whether it is one of the list actions that are authorized against an ARN of their own.
        with_own_rules: whether more than policies may decide.
        takes_resource_policy: whether a policy on the resource has a say in what users and roles do.
        under_rcps: whether RCPs have one.
        newer: whether the SDK has it and the catalogue, which was made before, does not.
        of_own_password: whether a password policy can let users call it.
        of_some_callers: whether only some accounts of an organization can call it.
        supports_resource_account: whether its requests carry aws:ResourceAccount.
        of_member_accounts: whether it acts on other accounts of the organization (sts:AssumeRoot).
        notes: what else decides such a call, besides the policies.
    """

    __slots__ = (
        "_taken",
        "action",
        "has_type",
        "may_be_synthetic",
        "newer",
        "notes",
        "of_member_accounts",
        "of_own_password",
        "of_some_callers",
        "supports_resource_account",
        "takes_resource_policy",
        "under_rcps",
        "with_own_rules",
    )

    def __init__(self, text: str) -> None:
        self._taken: tuple[Glob, ...] | None = None
        self.action = action = action_name(text)
        self.has_type = ENGINE_CATALOGUE.has_resource_type(text)
        self.newer = self.has_type is None and ENGINE_CATALOGUE.is_newer(text)
        self.may_be_synthetic = ENGINE_CATALOGUE.synthetic_resource(text, "", "") is not None
        self.of_member_accounts = action.full == "sts:assumeroot"
        self.of_own_password = action.full in ("iam:changepassword", "iam:getaccountpasswordpolicy")
        self.of_some_callers = call_limit(action.service, action.name) is not None
        self.with_own_rules = action.service in _WITH_RULES_OF_THEIR_OWN
        self.supports_resource_account = supports_resource_account(action.full)
        self.takes_resource_policy = takes_resource_policy(action)
        self.under_rcps = ENGINE_CATALOGUE.supports_rcp(action.service) and not escapes_rcps(action)
        besides = (decided_besides(action), about(text) if self.newer else "")
        self.notes: tuple[str, ...] = tuple(filter(None, besides))

    def lets_policy_speak_to(self, kind: PrincipalKind) -> bool:
        """True if a policy on the resource counts for a kind of caller."""
        return self.takes_resource_policy or takes_resource_policy(self.action, kind)

    @property
    def arn_forms(self) -> tuple[ArnForm, ...]:
        """The ARN forms of all its resource types; () where none is known."""
        return ENGINE_CATALOGUE.arn_forms(self.action.full)

    @property
    def required_arn_forms(self) -> tuple[ArnForm, ...]:
        """Those of which every call names one; all where it is none in particular."""
        return ENGINE_CATALOGUE.required_arn_forms(self.action.full)

    @property
    def needs(self) -> Needs:
        """Resource types that one call needs together, where there are several."""
        return ENGINE_CATALOGUE.needs(self.action.full)

    @property
    def taken(self) -> tuple[Glob, ...]:
        """Patterns that look like its resources but belong to another type."""
        if self._taken is None:
            self._taken = taken_by_others(
                self.action.service, self.arn_forms, ENGINE_CATALOGUE.entries_of_other_types(self.action.full)
            )
        return self._taken

    @property
    def takes_unsigned(self) -> bool | None:
        """True if it can be called without a signature; None where that is not known."""
        return ENGINE_CATALOGUE.takes_unsigned(self.action.full)


class PreparedAction(NamedTuple):
    """Facts of an action and a resource that do not depend on the caller.

    Args:
        facts: what the action says alone.
        action: the action, cut.
        resource: the resource as evaluated. Of a set, only resources of types that a call cannot do without say that
            it is allowed: whoever may use a resource group and no instance starts none.
        arn: the same cut, or None when it is `*`.
        owner: the account in the ARN, or None.
        trust: whether a role trust policy takes part.
        key: whether a KMS key policy takes part.
        refused: why no customer policy can allow this, or None.
        by_alias: whether a KMS key is asked about by its alias.
        on_plain_bucket: whether Block Public Access of a bucket is asked.
        owner_open: whether the ARN leaves its owner open (an account that is not named, but not `aws`).
        plain: whether nothing but policies that can be known decides.
        notes: one sentence each on how the question was read.
    """

    facts: ActionFacts
    action: ActionName
    resource: RequestResource
    arn: Arn | None
    owner: str | None
    trust: bool
    key: bool
    refused: str | None
    by_alias: bool
    on_plain_bucket: bool
    owner_open: bool
    plain: bool
    notes: tuple[str, ...]


def prepare(
    action_text: str,
    resource_text: str,
    wildcard_only: bool | None,
    partition: str,
    account: str,
    resource_account: str | None = None,
    *,
    context: Mapping[str, tuple[str, ...]] = {},
    is_single: bool = False,
) -> PreparedAction:
    """Classify an action and a resource.

    Args:
        wildcard_only: whether the action has no resource type; None: ask the catalogue (unknown: it has one).
        partition, account: the caller's, or "".
        resource_account: who is said to own the resource, or None.
        context: the given condition keys: no resource of a set lies in another Region than aws:RequestedRegion.
        is_single: whether the text is one ARN although a star is in it, as in the name of an object.
    """
    facts = _facts_of(action_text)
    notes = facts.notes
    if wildcard_only is None:
        if facts.has_type is None:
            lack = f"newer than the action data of {data_date()}" if facts.newer else "not in the catalogue"
            notes = (*notes, f"{action_text} is {lack}: evaluated with the resource as given.")
        wildcard_only = facts.has_type is False
        if wildcard_only and account and facts.may_be_synthetic:
            text = ENGINE_CATALOGUE.synthetic_resource(action_text, account, partition)
            assert text is not None
            notes = (*notes, f"{action_text} is authorized against {text}.")
            return _prepared(facts, RequestResource(text, ResourceKind.ONE), partition, notes)
    if wildcard_only:
        if resource_text != "*":
            notes = (*notes, f"{action_text} has no resource type: the resource is *, whatever ARN is named.")
        resource = _NO_RESOURCE
        if facts.action.full == "s3:listallmybuckets":
            resource = RequestResource("*", ResourceKind.NONE, f"arn:{partition or 'aws'}:s3:::*")
        return _prepared(facts, resource, partition, notes)
    if is_single or "*" not in resource_text:
        return _prepared(
            facts, _made(RequestResource, (resource_text, ResourceKind.ONE, "", _NO_SET, None, ())), partition, notes
        )
    owner = account_asked_about(resource_text, resource_account, "" if facts.of_member_accounts else account)
    region, _ = place_of_resource(context)
    return _prepare_set(facts, action_text, resource_text, partition, owner, region, notes)


def _prepare_set(
    facts: ActionFacts, action_text: str, resource_text: str, partition: str, owner: str, region: str,
    notes: tuple[str, ...],
) -> PreparedAction:  # fmt: skip
    """Classify an action and a set of resources: those of one owner and Region, or of any ("")."""
    forms, taken = facts.arn_forms, facts.taken
    whole = resources_in(resource_text, forms, partition, owner, taken, region)
    members = resources_in(resource_text, facts.required_arn_forms, partition, owner, taken, region)
    needs = _needed_in(resource_text, facts, partition, owner, region) if members.patterns else ()
    if not members.patterns:
        # Others alone are asked about.
        members = whole
    if not members.patterns:
        return _of_no_resource(facts, action_text, resource_text, partition, region, notes)
    if region:
        anywhere = resources_in(resource_text, forms, partition, owner, taken)
        if (whole.patterns, whole.forms) != (anywhere.patterns, anywhere.forms):
            notes = (*notes, f"Only resources in {safe_text(region, limit=64)} and those of no Region are asked about.")
    if not forms:
        notes = (*notes, f"Which resources {action_text} has is not known: any ARN that fits counts as one.")
    resource = RequestResource(
        resource_text,
        ResourceKind.SET,
        members=members,
        whole=whole if whole is not members else None,
        needs=needs,
    )
    return _prepared(facts, resource, partition, notes)


def prepare_request(request: Request, *, is_single: bool = False) -> PreparedAction:
    """As `prepare`, of a request with its caller."""
    principal = request.principal
    return prepare(
        request.action,
        request.resource,
        request.wildcard_only_action,
        partition_of(principal),
        principal.account or "",
        request.resource_account,
        context=request.context,
        is_single=is_single,
    )


def _needed_in(
    text: str, facts: ActionFacts, partition: str, owner: str, region: str
) -> tuple[tuple[str, ResourceSet], ...]:
    """Sets of resources in a text that one call needs together, where there is more than one."""
    found: list[tuple[str, ResourceSet]] = []
    for need in facts.needs.each:
        # Whoever is granted the catalog is granted no database that is called `x:catalog`.
        taken = facts.taken + taken_by_others(facts.action.service, need.forms, need.others)
        part = resources_in(text, need.forms, partition, owner, taken, region)
        if part.patterns:
            found.append((need.name, part))
    return tuple(found) if len(found) > 1 else ()


def _of_no_resource(
    facts: ActionFacts, action: str, text: str, partition: str, region: str, notes: tuple[str, ...]
) -> PreparedAction:
    """A set without a resource: statements are tested against its text, so that a Deny of all such texts denies it."""
    resource = RequestResource(text, ResourceKind.SET, members=ResourceSet((request_tokens(text),)))
    found = _prepared(facts, resource, partition, notes)
    if found.refused is not None or found.by_alias:
        return found
    where = f" in a request to {safe_text(region, limit=64)}" if region else ""
    why = f"{action} has no resource{where} that matches {safe_text(text, limit=256)}."
    return found._replace(refused=why, plain=False)


_NO_RESOURCE: Final = RequestResource("*", ResourceKind.NONE)
_NO_SET: Final = _NO_RESOURCE.members
_facts_of = lru_cache(maxsize=65536)(ActionFacts)
_made: Final = tuple.__new__
"""Direct constructor of a NamedTuple, without the function call that its own takes for every question."""


_WITH_RULES_OF_THEIR_OWN: Final = frozenset(("iam", "kms", "s3", "sts"))
"""The services for which more than policies may decide."""


def _prepared(facts: ActionFacts, resource: RequestResource, partition: str, notes: tuple[str, ...]) -> PreparedAction:
    arn = None if resource.text == "*" else parse_arn(resource.text)
    owner = None
    owner_open = False
    if arn is not None:
        owner = arn.account if is_account_id(arn.account) else None
        owner_open = arn.account != "aws"
    refused = None if arn is None else _partition_refusal(partition, arn)
    if facts.with_own_rules:
        return _with_own_rules(facts, resource, arn, owner, owner_open, refused, notes)
    plain = refused is None and not facts.newer and not facts.of_some_callers
    return _made(
        PreparedAction,
        (facts, facts.action, resource, arn, owner, False, False, refused, False, False, owner_open, plain, notes),
    )


def _partition_refusal(partition: str, arn: Arn | None) -> str | None:
    """Why credentials of a partition are of no use for a resource, or None.

    AWS Fault Isolation Boundaries: Partitions.

    Args:
        partition: the caller's, or "" where it has none.
        arn: of the resource; a star in it stands for every partition that it can.
    """
    if arn is None or not partition or arn.partition == partition:
        return None
    if "*" in arn.partition and re.fullmatch(".*".join(map(re.escape, arn.partition.split("*"))), partition):
        return None
    return f"Credentials of the partition {partition} are not accepted in {arn.partition}, whatever the policies say."


def _with_own_rules(
    facts: ActionFacts,
    resource: RequestResource,
    arn: Arn | None,
    owner: str | None,
    owner_open: bool,
    refused: str | None,
    notes: tuple[str, ...],
) -> PreparedAction:
    """The same for the services for which more than policies may decide."""
    action = facts.action
    service = action.service
    trust = key = by_alias = on_bucket = by_credentials = False
    if service == "s3":
        on_bucket = _on_plain_bucket(action, resource, arn)
    elif service == "sts":
        trust = is_trust_question(action, resource)
        by_credentials = depends_on_credentials(action) or is_assumption_of_service_linked_role(action, resource)
    else:
        refused = refused or refusal(action, resource)
        by_alias = is_use_of_alias(action, resource)
        key = is_key_question(action, resource)
    of_others = facts.newer or facts.of_some_callers or facts.of_own_password
    plain = not (by_alias or refused is not None or by_credentials or of_others)
    return _made(
        PreparedAction,
        (facts, action, resource, arn, owner, trust, key, refused, by_alias, on_bucket, owner_open, plain, notes),
    )


def _on_plain_bucket(action: ActionName, resource: RequestResource, arn: Arn | None) -> bool:
    """True if Block Public Access of a bucket applies: `*` or `arn:P:s3:::NAME[/KEY]`, no access points."""
    if action.service != "s3":
        return False
    if resource.text == "*":
        return True
    return arn is not None and arn.service == "s3" and not arn.region and not arn.account


def resource_owner(named: str | None, caller: Principal, prepared: PreparedAction) -> str | None:
    """The account that owns the resource.

    The explicit input, else the account in the ARN, else the caller's account. `aws` as owner (AWS managed
    policies) is evaluated as the caller's own account. None: any member account, or not known.

    Args:
        named: the explicit input, or None.
    """
    if named is not None and named != "aws":
        return named
    if prepared.owner is not None or (prepared.facts.of_member_accounts and prepared.resource.kind is ResourceKind.SET):
        return prepared.owner
    return caller.account


def may_belong_to_aws(prepared: PreparedAction) -> bool:
    """True if the resource, or one of a set, belongs to AWS: its account and organization are not the caller's."""
    resource = prepared.resource
    globs = _globs_of_aws(prepared.action.service)
    if resource.kind is ResourceKind.SET:
        return any(map(resource.members.shares, globs))
    return resource.kind is ResourceKind.ONE and any(glob.matches(resource.text) for glob in globs)


@lru_cache(maxsize=1024)
def _globs_of_aws(service: str) -> tuple[Glob, ...]:
    return tuple(Glob(arn_tokens(tokens_of(parse_pieces(one, variables=False)))) for one in patterns_of_aws(service))


def owner_is_assumed(request: Request, prepared: PreparedAction) -> bool:
    """True if the owner is the caller's account only because nothing else names one."""
    return (
        request.resource_account is None
        and prepared.owner is None
        and prepared.owner_open
        and not prepared.facts.of_member_accounts
        and request.principal.account is not None
        and not may_belong_to_aws(prepared)
    )


# What is asked without who asks, and what has been worked out about it: shared by all who are asked the same.


_MOST_SINGLES: Final = 1024
_MOST_ABOUT: Final = 32_768


@dataclass(slots=True, eq=False)
class SetMemory:
    """Cache of findings about single resources of a set, for all questions about it.

    Args:
        singles: the same question about one resource, by its text.
        limits: by the policies of a layer, whether they tell resources apart.
        limits_of_each: the same of one policy in a layer.
        likely: by the entries that grant, resources that they name.
        named: by the entries that grant, whether they name one that AWS does not refuse.
        examples: by an entry, a resource that it names and that AWS does not refuse, or "".
        walks: by the statements that matter, resources that speak for all.
        of_each_type: resources of the set, one of each type.
        about: by the resources of a statement in which no variable stands, whether it is about the set.
        meeting: by the entries of a statement in which no variable stands, those that share a resource with the set,
            and whether they cover all of it.
        shared: by the entries of a statement in which no variable stands, whether some share a resource with the set.
        inside: whether a known resource is one of the set.
    """

    singles: dict[str, PreparedRequest] = field(default_factory=dict)
    limits: dict[PolicySet, bool] = field(default_factory=dict)
    limits_of_each: dict[tuple[CarriedPolicy, Layer], bool] = field(default_factory=dict)
    likely: dict[ResourceMatcher, tuple[str, ...]] = field(default_factory=dict)
    named: dict[ResourceMatcher, bool] = field(default_factory=dict)
    examples: dict[str, str] = field(default_factory=dict)
    walks: dict[Any, Any] = field(default_factory=dict)
    of_each_type: tuple[str, ...] | None = None
    about: dict[tuple[ResourceElement, bool], Truth] = field(default_factory=dict)
    meeting: dict[ResourceMatcher, tuple[tuple[str, ...], bool]] = field(default_factory=dict)
    shared: dict[ResourceMatcher, bool] = field(default_factory=dict)
    inside: dict[str, bool] = field(default_factory=dict)


class PreparedRequest:
    """One question about one action and resource, whoever asks it.

    Args:
        everywhere: for a set of resources, ask about all of them instead of at least one.
        whole: the same question about all resources of the set, once it was asked.
        parts: where one call needs several resources of the set, the question about each, once it was asked.
        of_policies: what a policy says, as far as that is the same for all who carry it; None until it is asked about
            a second time, as many questions never are.
        of_a_set: whether it is about one resource of a set that was asked about: what is taken for granted of the
            set (that a key, or a role, whose policy is not known lets the caller in) is taken for granted of it too.
        of_a_need: whether it is about one of the resources that a call needs at once.
    """

    __slots__ = (
        "_of_set",
        "everywhere",
        "language",
        "of_a_need",
        "of_a_set",
        "of_policies",
        "parts",
        "prepared",
        "whole",
    )

    def __init__(
        self, prepared: PreparedAction, language: LanguageOptions, everywhere: bool = False, of_a_set: bool = False
    ) -> None:
        self.prepared = prepared if not everywhere else prepared._replace(resource=prepared.resource.as_a_whole())
        self.language = language
        self.everywhere = everywhere
        self.of_a_set = of_a_set
        self.of_a_need = False
        self.whole: PreparedRequest | None = None
        self.parts: tuple[PreparedRequest, ...] | None = None
        self.of_policies: dict[Any, Any] | None = None
        self._of_set: SetMemory | None = None

    @property
    def of_set(self) -> SetMemory:
        """Cache of findings about single resources of the set."""
        if self._of_set is None:
            self._of_set = SetMemory()
        return self._of_set

    @property
    def action(self) -> ActionName:
        return self.prepared.action

    def everywhere_too(self) -> PreparedRequest:
        """The same question about all resources of the set."""
        if self.whole is None:
            self.whole = PreparedRequest(self.prepared, self.language, everywhere=True)
        return self.whole

    def about_each_need(self) -> tuple[PreparedRequest, ...]:
        """The same question about each of the resources that one call needs at once."""
        if self.parts is None:
            resource = self.prepared.resource
            each = (resource._replace(members=members, whole=None, needs=()) for _, members in resource.needs)
            self.parts = tuple(PreparedRequest(self.prepared._replace(resource=part), self.language) for part in each)
            for part in self.parts:
                part.of_a_need = True
        return self.parts

    def about_region(self, region: str) -> PreparedRequest:
        """The same question about those resources of the set that lie in a Region."""
        resource = self.prepared.resource
        inside = request_tokens(f"arn:*:*:{region}:*")
        patterns = (both for tokens in resource.members.patterns for both in in_common(inside, tokens) or ())
        members = ResourceSet(tuple(patterns), resource.members.forms, resource.members.never)
        return PreparedRequest(self.prepared._replace(resource=resource._replace(members=members)), self.language)

    def about_single(self, text: str, prepare: Callable[[], PreparedAction]) -> PreparedRequest:
        """The question about one resource of the set, which is kept."""
        known = self.of_set.singles
        found = known.get(text)
        if found is None:
            if len(known) >= _MOST_SINGLES:
                known.clear()
            found = known[text] = PreparedRequest(prepare(), self.language, of_a_set=True)
        return found

    def work_out(self, member: LayerStatement, context: RequestContext) -> Truth:
        """Truth of a statement covering action and resource with its conditions met; principals aside."""
        return member.is_about(self.prepared.action) and self.truth(member.compiled, context)

    def about(self, compiled: CompiledStatement, context: RequestContext) -> Truth:
        """Truth of a statement covering the resource."""
        element = compiled.resource
        resource = self.prepared.resource
        if resource.kind is not ResourceKind.SET or (element.matcher is not None and element.matcher.variable_keys):
            return compiled.matches_resource(resource, context, self.language, everywhere=self.everywhere)
        # The same for all who carry the statement, and it takes comparing pattern with pattern.
        known, key = self.of_set.about, (element, compiled.allows)
        found = known.get(key)
        if found is None:
            if len(known) >= _MOST_ABOUT:
                known.clear()
            found = known[key] = compiled.matches_resource(resource, context, self.language, everywhere=self.everywhere)
        return found

    def truth(self, compiled: CompiledStatement, context: RequestContext) -> Truth:
        """As `work_out`, of a statement that is known to be about the action."""
        if compiled.any_resource:
            return compiled.holds(context) if compiled.conditions else True
        about = self.about(compiled, context)
        if about is False or not compiled.conditions:
            return about
        holds = compiled.holds(context)
        return holds if about is True else all_of((about, holds))


# The resources that a question about `*` or a pattern is about: those that can exist for the action.


_ANY: Final = Name("")
_FIELD: Final = Name(":")
_ANY_FORM: Final = ArnForm(_FIELD, _FIELD, _FIELD, (_ANY,), may_lack=True)
"""ARN form for an action with unknown resource types: any ARN."""

_BY_SEPARATORS: Final = {
    without: tuple(wild for wild in Wild if WITHOUT[wild] == without) for without in set(WITHOUT.values())
}
"""One character or more without some separators: a single one, then any number."""
_ANY_ACCOUNT: Final = (Wild.FIELD_ONE,) * 12


# Room for what every action of the catalogue is about, in all Regions and of all types: some 6,000.
@lru_cache(maxsize=8192)
def resources_in(
    text: str, forms: tuple[ArnForm, ...], partition: str, owner: str, taken: tuple[Glob, ...] = (), region: str = ""
) -> ResourceSet:
    """The resources that a text with `*` matches.

    Args:
        forms: of the action's resource types; () where they are not known.
        taken: what belongs to other types; see `taken_by_others`.
        partition: that of the caller, or "" for any.
        owner: the account of the resources whose form has an account field, or "" for any.
        region: that of the resources which have one, or "" for any.
    """
    asked = request_tokens(text)
    if not forms:
        forms, owner = (_ANY_FORM,), ""
    every = tuple(dict.fromkeys(tokens for form in forms for tokens in _patterns_of(form, partition, owner, region)))
    patterns: dict[tuple[Token, ...], None] = {}
    for tokens in every:
        both = in_common(asked, tokens)
        if both is None:
            # Too involved to be put into patterns.
            return ResourceSet((asked,), every, taken)
        patterns.update(dict.fromkeys(both))
    left = (tokens for tokens in patterns if not any(glob.covers(tokens) for glob in taken))
    return ResourceSet(tuple(sorted(left, key=len)), never=taken)


@lru_cache(maxsize=8192)
def taken_by_others(service: str, forms: tuple[ArnForm, ...], entries: tuple[str, ...]) -> tuple[Glob, ...]:
    """Entries about other types of the service that match some ARNs of the forms.

    Not those that take in all that has one of the forms, so that the type is part of the other.
    """
    met = frozenset().union(*(_meeting(service, form) for form in forms))
    return tuple(glob for entry in entries if entry in met and not _takes_all(glob := _taking(entry), forms))


@lru_cache(maxsize=4096)
def _taking(entry: str) -> Glob:
    tokens = list(arn_tokens(tokens_of(parse_pieces(entry, variables=False))))
    # Stars that run past colons are dear where texts are long, and that of the partition gains nothing by it.
    tokens[len("arn:")] = Wild.FIELD_STAR
    return Glob(tokens)


@lru_cache(maxsize=512)
def _entries_at_once(service: str) -> tuple[Machine, tuple[tuple[int, str], ...]]:
    """Machine that reads all entries about types of a service at once, and the final state of each."""
    entries = ENGINE_CATALOGUE.entries_of_types(service)
    machine = Machine(*(_taking(entry).tokens for entry in entries))
    return machine, tuple(zip((1 << place for place in places(machine.final)), entries, strict=True))


@lru_cache(maxsize=16384)
def _meeting(service: str, form: ArnForm) -> frozenset[str]:
    """The entries about types of a service that match some ARNs of a form."""
    machine, finals = _entries_at_once(service)
    met = 0
    for tokens in _patterns_of(form, "", ""):
        met |= machine.read(tokens, machine.first, machine.run_by_some, machine.step_by_some)
    return frozenset(entry for final, entry in finals if met & final)


def _takes_all(glob: Glob, forms: Iterable[ArnForm]) -> bool:
    """True if an entry matches everything in a pattern of a form."""
    return any(glob.covers(tokens) for form in forms for tokens in _patterns_of(form, "", ""))


def tells_resources_apart(key: str) -> bool:
    """True if a condition key (in lower case) may have other values for one resource of a set than for another.

    Those are the Region of the request, tags, and what only a service tells.
    """
    prefix, _, name = key.partition(":")
    return prefix not in ("aws", "iam") or name == "requestedregion" or name.startswith("resource")


def account_asked_about(text: str, named: str | None, account: str | None) -> str:
    """The account that the resources of a set belong to, or "" for any.

    Args:
        named: who is said to own them, or None.
        account: the caller's, or None.
    """
    if named is not None and named != "aws":
        return named
    arn = parse_arn(text)
    return arn.account if arn is not None and is_account_id(arn.account) else account or ""


EVERYONE: Final = "*"
"""Lookup key of resources whose policy may let everybody in."""


def lookup_keys(caller: Caller) -> Iterator[str]:
    """Lookup keys of a caller in resource policies, besides its account."""
    yield EVERYONE
    for name in (caller.name, caller.role_arn, caller.session_arn, caller.issuer, caller.unique_id):
        if name:
            yield lookup_key(name)
    if caller.role_name:
        yield caller.role_name


def lookup_key(value: str) -> str:
    """Lookup key of a Principal entry: an account, or the last word that it and the caller share."""
    arn = parse_arn(value)
    if arn is None:
        return value
    if arn.resource == "root":
        return arn.account
    return arn.resource.split("/")[1] if arn.resource.startswith("assumed-role/") else arn.name


def _patterns_of(form: ArnForm, partition: str, owner: str, region: str = "") -> Iterator[tuple[Token, ...]]:
    accounts: list[tuple[Token, ...]] = []
    if not isinstance(form.account, Name):
        accounts.append(tuple(form.account))
    else:
        accounts.append(tuple(owner) or (_ANY_ACCOUNT if form is not _ANY_FORM else _BY_SEPARATORS[":"]))
        if form.may_lack:
            accounts.append(())
        if form.service == "iam" and str(form.resource[0]).startswith("policy/"):
            # AWS managed policies are every customer's to read and attach.
            accounts.append(tuple("aws"))
    regions: list[tuple[Token, ...]]
    if not isinstance(form.region, Name):
        regions = [tuple(form.region)] if form.region in ("", region or form.region) else []
    elif region:
        regions = [tuple(region), ()] if form.may_lack else [tuple(region)]
    else:
        regions = [(Wild.FIELD_STAR,) if form.may_lack else _tokens(form.region)]
    resource = tuple(token for piece in form.resource for token in _tokens(piece))
    head = (*"arn:", *(partition or _BY_SEPARATORS[":"]), ":", *_tokens(form.service), ":")
    for one in regions:
        for account in accounts:
            yield (*head, *one, ":", *account, ":", *resource)


def _tokens(piece: str | Name) -> tuple[Token, ...]:
    if not isinstance(piece, Name):
        return tuple(piece)
    return (Wild.FIELD_STAR, Wild.NAME_ONE) if piece.with_path else _BY_SEPARATORS[piece.without]
