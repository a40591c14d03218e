"""Why AWS says that it refused: the layer a message names, and whether a Deny or the lack of an Allow is meant."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from iamtui.analysis.denials.denial import Claim
from iamtui.analysis.denials.text import QUOTES, SearchableText
from iamtui.evaluation.decision import Layer

_LAYERS: Final = {
    "identity-basedpolicy": ("identity-based policy", Layer.IDENTITY),
    "identitybasedpolicy": ("identity-based policy", Layer.IDENTITY),
    "resource-basedpolicy": ("resource-based policy", Layer.RESOURCE),
    "resourcebasedpolicy": ("resource-based policy", Layer.RESOURCE),
    "permissionsboundary": ("permissions boundary", Layer.BOUNDARY),
    "sessionpolicy": ("session policy", Layer.SESSION),
    "sessionspolicy": ("session policy", Layer.SESSION),
    "servicecontrolpolicy": ("service control policy", Layer.SCP),
    "resourcecontrolpolicy": ("resource control policy", Layer.RCP),
    "vpcendpointpolicy": ("VPC endpoint policy", Layer.VPC_ENDPOINT),
    "roletrustpolicy": ("role trust policy", Layer.RESOURCE),
}
"""The layers as messages name them, without white space (IAM User Guide: access denied error messages)."""

_REACH: Final = 400


@dataclass(frozen=True, slots=True)
class Found:
    """A claim and where it ends in the packed text."""

    claim: Claim
    end: int


def claim_at(text: SearchableText, start: int, since: int) -> Found:
    """The claim that starts at a place in the packed text, after a quote or a full stop at most.

    Args:
        since: where its message starts.
    """
    at = start
    while at < start + 2 and text.packed[at : at + 1] in (*QUOTES, "."):
        at += 1
    lowered = text.lowered
    if lowered.startswith("because", at):
        return _because(text, at + 7, start)
    if lowered.startswith("withanexplicitdeny", at):
        return _with_an_explicit_deny(text, at + 18, since)
    return Found(Claim(), start)


def _because(text: SearchableText, at: int, start: int) -> Found:
    lowered = text.lowered
    if lowered.startswith("no", at):
        end = lowered.find("allowsthe", at, at + _REACH)
        if end < 0:
            return Found(Claim(), start)
        words, layers = _named(text, at + 2, end)
        closing = lowered.find("action", end + 9, end + 9 + _REACH)
        return Found(Claim("implicit", layers, words), closing + 6 if closing >= 0 else end + 9)
    for prevented in ("publicpolicies", "publicacls"):
        if lowered.startswith(prevented, at):
            end = lowered.find("blockpublicaccess", at, at + _REACH)
            end = end + 17 if end >= 0 else at + len(prevented)
            return Found(Claim("explicit", (Layer.BLOCK_PUBLIC_ACCESS,), "S3 Block Public Access"), end)
    return Found(Claim(), start)


def _with_an_explicit_deny(text: SearchableText, at: int, since: int) -> Found:
    lowered = text.lowered
    article = next((word for word in ("inan", "inthe", "ina") if lowered.startswith(word, at)), None)
    if article is None:
        return Found(Claim("explicit"), at)
    found = _layer_at(lowered, at + len(article))
    if found is None:
        # Another letter may follow "in a": a layer that starts with n or t.
        return Found(Claim("explicit", (), _unnamed(text, at + len(article))), at + len(article))
    words, layer, end = found
    layers: tuple[Layer, ...] = (layer,)
    for through in ("transitivelythrougha", "transitivelythroughan"):
        via = _layer_at(lowered, end + len(through)) if lowered.startswith(through, end) else None
        if via is not None:
            words, layers, end = f"{words} transitively through a {via[0]}", (layer, via[1]), via[2]
            break
    policy = ""
    if lowered.startswith(":arn:", end):
        word, flat_end = text.word_at(text.flat_at(end + 1), QUOTES + ",;", since=text.flat_at(since))
        policy, end = word.rstrip(".)]}"), text.packed_at(flat_end)
    return Found(Claim("explicit", layers, words, policy), end)


def console_claim(text: SearchableText, start: int) -> Found:
    """The claim behind the console's `Context:`."""
    lowered = text.lowered
    if not lowered.startswith("context:", start):
        return claim_at(text, start, start)
    at = start + 8
    if lowered.startswith("because", at):
        at += 7
    if lowered.startswith("no", at):
        return _because(text, at, start)
    for article in ("an", "the", "a"):
        found = _layer_at(lowered, at + len(article)) if lowered.startswith(article, at) else None
        if found is not None and lowered.startswith("explicitlydenies", found[2]):
            return Found(Claim("explicit", (found[1],), found[0]), found[2] + 16)
    if lowered.startswith("withanexplicitdeny", at) or lowered.startswith("explicitdeny", at):
        return _with_an_explicit_deny(text, lowered.index("explicitdeny", at) + 12, start)
    return Found(Claim(), start)


def _named(text: SearchableText, start: int, end: int) -> tuple[str, tuple[Layer, ...]]:
    packed = text.lowered[start:end]
    known = _LAYERS.get(packed)
    if known is not None:
        return known[0], (known[1],)
    words = " ".join(text.flat[text.flat_at(start) : text.flat_at(end - 1) + 1].split()) if end > start else ""
    return words[:120], ()


def _layer_at(lowered: str, at: int) -> tuple[str, Layer, int] | None:
    for packed, (words, layer) in _LAYERS.items():
        if lowered.startswith(packed, at):
            return words, layer, at + len(packed)
    return None


def _unnamed(text: SearchableText, at: int) -> str:
    word, _ = text.word_at(text.flat_at(at), QUOTES + ",;.") if at < len(text.packed) else ("", 0)
    return word[:80]
