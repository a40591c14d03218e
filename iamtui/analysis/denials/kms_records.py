"""What CloudTrail's records of KMS calls tell of the encryption context.

KMS Developer Guide: logging KMS API calls with AWS CloudTrail; kms:EncryptionContext:context-key and
kms:EncryptionContextKeys.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any, Final

from iamtui.analysis.denials.record_fields import dict_in, text_in

_KMS: Final = "kms.amazonaws.com"

_PARAMETERS: Final = {
    "kms:reencryptfrom": ("sourceEncryptionContext",),
    "kms:reencryptto": ("destinationEncryptionContext",),
}
"""What a request gives as encryption context where it is not one: each of ReEncrypt's checks has its own."""

_CONSTRAINTS: Final = ("encryptionContextEquals", "encryptionContextSubset")


def encryption_context(record: Mapping[str, Any], action: str) -> dict[str, tuple[str, ...]]:
    """The condition keys that the encryption context of a KMS call gives; none where it has none.

    Args:
        action: what is authorized, which one call may ask twice (ReEncrypt).
    """
    if text_in(record, "eventSource") != _KMS:
        return {}
    pairs = _pairs(dict_in(record, "requestParameters"), action.lower())
    if not pairs:
        return {}
    # The names of condition keys know no letter case, so that nothing tells which of two pairs is read.
    spelt = Counter(key.lower() for key in pairs)
    context: dict[str, tuple[str, ...]] = {
        f"kms:EncryptionContext:{key}": (value,)
        for key, value in pairs.items()
        if isinstance(value, str) and spelt[key.lower()] == 1
    }
    context["kms:EncryptionContextKeys"] = tuple(pairs)
    return context


def _pairs(parameters: Mapping[str, Any], action: str) -> dict[str, Any]:
    """The pairs of the encryption context; of a grant those that it is constrained to."""
    of_grant = action == "kms:creategrant"
    given = dict_in(parameters, "constraints") if of_grant else parameters
    names = _CONSTRAINTS if of_grant else _PARAMETERS.get(action, ("encryptionContext",))
    return {key: value for name in names for key, value in dict_in(given, name).items() if key}
