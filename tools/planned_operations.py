"""`python -m tools.planned_operations`: writes the operations of resource types, from CloudFormation's handlers.

The source is the package cfn-lint (MIT-0), which holds the schemas that AWS publishes (`handlers.*.permissions`).
"""

from __future__ import annotations

import json
import re
from importlib import resources
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from iamtui.catalog.actions import catalogue

TARGET: Final = Path(__file__).parent.parent / "iamtui" / "catalog" / "planned_operations.json"
_VERBS: Final = {
    "create": ("create", "run", "register", "allocate"),
    "delete": ("delete", "terminate", "deregister", "release"),
}


def main() -> None:
    folder = resources.files("cfnlint") / "data" / "schemas"
    regional = json.loads((folder / "providers" / "us-east-1.json").read_text(encoding="utf-8"))
    types: dict[str, dict[str, Any]] = {}
    for name, file in sorted(regional.items()):
        if not isinstance(file, str) or not name.startswith("AWS::"):
            continue
        schema = json.loads((folder / "resources" / f"{file}.json").read_text(encoding="utf-8"))
        handlers = schema.get("handlers", {})
        entry = {kind: _operations(name, kind, handlers.get(kind, {}).get("permissions", ())) for kind in _KINDS}
        if any(any(each) for each in entry.values()):
            key = re.sub(r"[^a-z0-9]", "", name.removeprefix("AWS::").lower())
            types[key] = {kind: each for kind, each in entry.items() if any(each)}
    head = {"source": f"CloudFormation handlers' permissions in cfn-lint {version('cfn-lint')}", "licence": "MIT-0"}
    TARGET.write_text(json.dumps(head | {"types": types}, separators=(",", ":")) + "\n", encoding="utf-8")


_KINDS: Final = ("create", "update", "delete")


def _operations(name: str, kind: str, permissions: Any) -> list[str]:
    noun = name.rpartition("::")[2].lower()
    known = sorted({proper for one in permissions if (proper := catalogue().names.proper(one))})
    wanted = {f"{verb}{noun}{end}" for verb in _VERBS.get(kind, ()) for end in ("", "s")}
    certain = [one for one in known if one.partition(":")[2].lower() in wanted]
    certain = certain if len(certain) == 1 else []
    # Reads are of a superset: which of them an apply makes, the handler does not tell.
    others = [one for one in known if one not in certain and not _READS.match(one.partition(":")[2])]
    return [" ".join(certain), " ".join(others)]


_READS: Final = re.compile(r"(?:Get|List|Describe|BatchGet|Lookup|Search)")


if __name__ == "__main__":
    main()
