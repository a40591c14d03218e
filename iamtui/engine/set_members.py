"""The resources that a question about `*` or a pattern is about: those that can exist for the action.

They match the text, have an ARN form of one of the action's resource types (Service Authorization Reference), lie in
the caller's partition and belong to the account that is asked about.

Nor are they named so that an entry about another type of the service takes them in: a star that ends the account of an
entry runs past colons (IAM User Guide: Resource element), so that `arn:aws:lambda:*:*:layer:*` would find a version of
a function called `layer`. Whoever grants layers grants no functions.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Final

from iamtui.catalog.actions import ENGINE_CATALOGUE
from iamtui.catalog.arn_forms import ArnForm, Name
from iamtui.engine.policy_holders import places
from iamtui.policy.pattern_overlap import in_common
from iamtui.policy.patterns import (
    WITHOUT,
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
from iamtui.policy.resource import ResourceSet
from iamtui.policy.statement import Caller

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
