"""Completer: what the fields of a question complete to, found in a thread in the catalogue and the account."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Final

from iamtui.account.model import Account
from iamtui.catalog.condition_keys import GLOBAL_KEYS, is_provider_claim
from iamtui.catalog.service_data import ActionNames
from iamtui.engine.condition_words import context_of, replaced
from iamtui.policy.context import ConditionLeaf, leaves
from iamtui.policy.document import PolicyDocument
from iamtui.policy.patterns import parse_arn
from iamtui.tui.question.asking import SearchableCatalogue
from iamtui.tui.question.caller import caller_offers
from iamtui.tui.question.completing_input import QUOTES, Offer, joined
from iamtui.tui.question.context_field import ABSENT
from iamtui.workspace.ask import context_values
from iamtui.workspace.ask.questions import example_of

if TYPE_CHECKING:
    # It brings in the engine, which is not loaded before the first frame.
    from iamtui.engine.decision import Decision

MOST: Final = 50
"""Longest list of completions: laying out more costs more than a key press may."""

CONTEXT_KEYS: Final = (
    "aws:MultiFactorAuthPresent=",
    "aws:SourceIp=",
    "aws:SourceVpc=",
    "aws:SourceVpce=",
    "aws:RequestedRegion=",
    "aws:SecureTransport=",
    "aws:CurrentTime=",
    "aws:PrincipalOrgID=",
    "aws:PrincipalTag/",
    "aws:RequestTag/",
    "aws:ResourceTag/",
    "aws:TagKeys=",
    "aws:ViaAWSService=",
    "aws:CalledVia=",
)
"""Global condition keys that are most frequent in questions."""


def best_matches(
    text: str, candidates: Iterable[str], limit: int = MOST, *, folded: Iterable[str] | None = None
) -> list[str]:
    """Candidates that start with the text, then those that contain it (any letter case), each in their order.

    Args:
        folded: the candidates in small letters, where those are at hand.
    """
    needle = text.lower()
    front: list[str] = []
    inside: list[str] = []
    small = folded if folded is not None else map(str.lower, candidates := list(candidates))
    for candidate, lowered in zip(candidates, small, strict=True):
        position = lowered.find(needle)
        if position == 0:
            front.append(candidate)
            if len(front) == limit:
                return front
        elif position > 0 and len(inside) < limit:
            inside.append(candidate)
    return (front + inside)[:limit]


def known_resources(account: Account) -> Mapping[str, str]:
    """Every ARN the account's data names, to where it comes from.

    Resources with a policy (buckets with their objects), then entities, then what the Resource elements of its
    policies name. Reading all policies takes a while: call it in a thread.
    """
    cached = account.memo.get(known_resources)
    if isinstance(cached, dict):
        return cached
    found: dict[str, str] = {}
    for arn in account.resource_policies:
        found[arn] = "in the account"
        parsed = parse_arn(arn)
        if parsed is not None and parsed.service == "s3" and "/" not in parsed.resource:
            found[f"{arn}/*"] = "in the account"
    for entity in account.entities():
        found.setdefault(entity.arn, "in the account")
    for arn in _resources_in_policies(account):
        found.setdefault(arn, "in a policy")
    account.memo[known_resources] = found
    return found


def _resources_in_policies(account: Account) -> Iterator[str]:
    """The Resource elements of the account's own policies that are ARNs without variables, in their order."""
    seen: set[int] = set()
    for document in _documents(account):
        if id(document) in seen or document.error is not None:
            continue
        seen.add(id(document))
        statements = document.value.get("Statement") if isinstance(document.value, Mapping) else None
        for statement in statements if isinstance(statements, list) else [statements]:
            named = statement.get("Resource") if isinstance(statement, Mapping) else None
            for arn in named if isinstance(named, list) else [named]:
                if isinstance(arn, str) and arn.startswith("arn:") and "${" not in arn and parse_arn(arn) is not None:
                    yield arn


def _documents(account: Account) -> Iterator[PolicyDocument]:
    for holder in account.identities:
        for inline in holder.inline_policies:
            yield inline.document
    for policy in account.policies:
        if policy.document is not None:
            yield policy.document


def resource_candidates(
    account: Account | None, forms: Iterable[str], services: Set[str], recent: Sequence[str] = ()
) -> Mapping[str, str]:
    """Resources to offer for actions, in this order, to where each comes from.

    Those of earlier questions that have the actions' forms, the forms, known ARNs that have them, `*`, others of
    their services, then the rest. So objects come before buckets for an action on objects, and roles before users
    for one on roles.

    Args:
        account: the account, or None while nothing is open.
        forms: ARN forms of the actions' resource types, with the account and region filled in.
        services: the service fields of the ARNs that the actions work on ("s3").
        recent: resources of earlier questions, the newest first.
    """
    known = known_resources(account) if account is not None else {}
    ordered: dict[str, str] = {}
    shapes = tuple(forms)
    if not services:
        ordered.update(dict.fromkeys(recent, "asked before"))
        ordered.update({arn: kind for arn, kind in known.items() if arn not in ordered})
        ordered.setdefault("*", "any resource")
        return ordered
    matches = _any_of(shapes)
    before = {arn: "asked before" for arn in recent if _service(arn) in services}
    same = {arn: kind for arn, kind in known.items() if _service(arn) in services}
    for candidates in (
        {arn: kind for arn, kind in before.items() if matches(arn)},
        dict.fromkeys(shapes, "ARN form"),
        {arn: kind for arn, kind in same.items() if matches(arn)},
        {} if shapes else same,
        {"*": "any resource"},
        before,
        same,
        known,
    ):
        for arn, kind in candidates.items():
            ordered.setdefault(arn, kind)
    return ordered


def _service(arn: str) -> str:
    return arn.split(":", 3)[2] if arn.count(":") >= 3 else ""


def _any_of(shapes: Sequence[str]) -> Callable[[str], object]:
    """Test of ARNs against shapes, in which stars match any text."""
    if not shapes:
        return lambda _arn: False
    return re.compile("|".join(".*".join(map(re.escape, shape.split("*"))) for shape in shapes)).fullmatch


def service_of_arns(prefix: str) -> str:
    """The service field of the ARNs that a service's actions work on: the prefix, except for STS, which has roles."""
    return "iam" if prefix.lower() == "sts" else prefix.lower()


def fill_template(template: str, account: Account | None, region: str) -> str:
    """An ARN form (`arn:${Partition}:s3:::${BucketName}`) as a pattern: what is known filled in, the rest `*`."""
    partition = account.partition if account is not None else "aws"
    filled = template.replace("${Partition}", partition).replace("${Region}", region or "*")
    filled = filled.replace("${Account}", account.id if account is not None else "*")
    pieces: list[str] = []
    for index, piece in enumerate(filled.split("${")):
        pieces.append(piece if index == 0 else "*" + piece.partition("}")[2])
    return "".join(pieces)


_OF_ACTION: Final = "of the action"
_CLAIM: Final = "of a sign-in"
_UNASKED: Final = ("unknown", _OF_ACTION)
"""Why a key is offered before anything of it is typed."""

_TAKE_CLAIMS: Final = frozenset(("sts:assumerolewithwebidentity", "sts:assumerolewithsaml", "sts:tagsession"))
"""The actions that are called with what an identity provider claims."""


@dataclass(frozen=True, slots=True)
class CompletionContext:
    """Context of completions beside the word itself.

    Args:
        account, region: the account that is open, or None, and the region in use, or "".
        actions: the actions in the question.
        missing_keys: condition keys that mattered for the last answer and were not given.
        recent_resources: resources of earlier questions, the newest first.
        given_keys: lower-case condition keys that the context has already.
        wanted: lower-case condition keys that the last answer depends on, to the values its policies name.
        resources: the resources in the question.
    """

    account: Account | None
    region: str
    actions: tuple[str, ...]
    missing_keys: tuple[str, ...] = ()
    recent_resources: tuple[str, ...] = ()
    given_keys: frozenset[str] = frozenset()
    wanted: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    resources: tuple[str, ...] = ()


class Completer:
    """Finds completions. Its methods may load data: call them in a thread."""

    def __init__(self, catalogue: SearchableCatalogue) -> None:
        self._catalogue = catalogue
        self._kept: tuple[object, Mapping[str, str], Sequence[str]] | None = None

    def actions(self, word: str, resources: Sequence[str] = ()) -> list[Offer]:
        """Actions that fit a word, those of the services of the resources first."""
        own = [f"{service}:{word}" for service in filter(None, map(_service, resources)) if ":" not in word]
        found = dict.fromkeys(
            name for text in dict.fromkeys((*own, word)) for name in self._catalogue.search(text, MOST)
        )
        offers = [Offer(name, *self._catalogue.described(name)) for name in [*found][:MOST]]
        # Before anything is typed: what reads the resource is asked about most.
        return offers if word else sorted(offers, key=lambda offer: offer.kind != "Read")

    def wanted_resource(self, actions: Sequence[str]) -> tuple[bool, str]:
        """True where none of the actions works on a resource, as far as known, and an ARN like those of the first."""
        forms = [self._catalogue.arn_forms(action) for action in actions]
        needs_none = bool(forms) and all(form is not None and not form for form in forms)
        return needs_none, example_of(next(filter(None, forms), ()))

    def resources(self, word: str, around: CompletionContext) -> list[Offer]:
        kinds, folded = self._candidates(around)
        found = best_matches(word.lstrip(QUOTES), kinds, folded=folded)
        return [Offer(joined([arn]), kinds[arn]) for arn in found]

    def _candidates(self, around: CompletionContext) -> tuple[Mapping[str, str], Sequence[str]]:
        """The resources to offer, and the same in small letters; kept from one key to the next."""
        account = around.account
        key = (id(account), around.region, around.actions, around.recent_resources)
        if self._kept is not None and self._kept[0] == key:
            return self._kept[1:]
        forms = [
            fill_template(form, account, around.region)
            for action in around.actions
            for form in self._catalogue.arn_forms(action) or ()
        ]
        services = {service_of_arns(action.partition(":")[0]) for action in around.actions if ":" in action}
        kinds = resource_candidates(account, dict.fromkeys(forms), services, around.recent_resources)
        self._kept = (key, kinds, [arn.lower() for arn in kinds])
        return self._kept[1:]

    def context(self, word: str, around: CompletionContext, now: datetime) -> list[Offer]:
        key, equals, _ = word.partition("=")
        if equals:
            named = around.wanted.get(key.lower(), ())
            listed = {f"{key}={offer}": "" for offer in context_values.value_offers(key, now)}
            listed |= {f"{key}={offer}": "in a policy" for offer in named if f"{key}={offer}" not in listed}
            return [Offer(text, listed[text]) for text in best_matches(word, listed)] if word not in listed else []
        absent = word.startswith(ABSENT)
        keys = {name: kind for name, kind in self._keys(around).items() if not (absent and name.endswith("/"))}
        wanted = word.removeprefix(ABSENT)
        found = _fitting(wanted, keys) if wanted else [name for name, kind in keys.items() if kind in _UNASKED]
        return [
            Offer(
                f"{ABSENT}{name.removesuffix('=')}" if absent else name,
                keys[name],
                context_values.type_words(_example(name)),
            )
            for name in found[:MOST]
        ]

    def _keys(self, around: CompletionContext) -> Mapping[str, str]:
        """Keys as they are typed that are not given yet, to why they are offered; those the last answer missed first.

        AWS lists claims of identity providers for `sts:AssumeRole` too: whoever calls that carries them only in a
        session that a provider signed in, as with any other action.
        """

        of_actions = [
            (key, _CLAIM if is_provider_claim(key) and action.lower() not in _TAKE_CLAIMS else _OF_ACTION)
            for action in around.actions
            for key in self._catalogue.condition_keys(action)
        ]
        offered = (
            *((key, "unknown") for key in around.missing_keys),
            *((key, kind) for key, kind in of_actions if kind == _OF_ACTION),
            *((key, "common") for key in CONTEXT_KEYS),
            *((key.name, "global") for key in GLOBAL_KEYS.values()),
            *((key, kind) for key, kind in of_actions if kind == _CLAIM),
        )
        found: dict[str, tuple[str, str]] = {}
        for key, kind in offered:
            name = _typed(key)
            if name.rstrip("=").lower() not in around.given_keys:
                found.setdefault(name.lower(), (name, kind))
        return dict(found.values())

    def caller(self, word: str, around: CompletionContext) -> Sequence[Offer]:
        return caller_offers(word, around.account)


def wanted_values(decision: Decision | None) -> Mapping[str, tuple[str, ...]]:
    """Values that policies compare an answer's open keys with, by lower-case key; patterns are no values."""

    if decision is None or decision.depends_on is None:
        return {}
    found: dict[str, tuple[str, ...]] = {}
    context = context_of(decision.request)
    for leaf in leaves(decision.depends_on):
        if isinstance(leaf, ConditionLeaf) and not (leaf.of_resource or leaf.unknown_operator or leaf.op == "Null"):
            said = leaf.values if leaf.literal else [replaced(value, context) for value in leaf.values]
            values = tuple(v for v in said if isinstance(v, str) and not any(c in v for c in "*?${ "))
            found[leaf.key.lower()] = tuple(dict.fromkeys((*found.get(leaf.key.lower(), ()), *values)))
    return found


def _fitting(word: str, keys: Iterable[str]) -> list[str]:
    """The keys that fit what was typed, best first as with actions; alike ones in their order."""
    order = {name: at for at, name in enumerate(keys)}
    named = [name for name in order if name.isascii() and name.isprintable()]
    found = ActionNames(named).search(word, MOST, order.__getitem__)
    # A policy may ask for any tag key.
    return found + best_matches(word, [name for name in order if name not in set(named)])


def _typed(key: str) -> str:
    """A key with its equals sign; one such as `aws:ResourceTag/${TagKey}` up to the part that a person fills in."""
    fixed = key.partition("${")[0].partition("<")[0]
    return fixed if fixed.endswith("/") else f"{fixed.removesuffix('=')}="


def _example(name: str) -> str:
    return f"{name}x" if name.endswith("/") else name.removesuffix("=")
