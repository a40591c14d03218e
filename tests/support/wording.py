"""The words of verdicts that tests expect, in one table: whoever changes the wording changes it here."""

from __future__ import annotations

from typing import Final

ALLOWED: Final = "[+] ALLOWED"
EXPLICIT_DENY: Final = "[x] DENIED explicit"
IMPLICIT_DENY: Final = "[-] DENIED no allow"
DEPENDS: Final = "[?] DEPENDS"

DENIED_EXPLICITLY: Final = "[x] DENIED"
NOT_ALLOWED: Final = "[-] DENIED"
"""Mark and word alone, as far as they differ from the above."""

AS_LOADED: Final = "as far as loaded"
ON_SOME: Final = "on some"
