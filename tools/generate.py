"""`make generate`: writes what is made from the code: tables of the documentation, the man page, and the JSON
Schemas.

A part of a page stands between `<!-- generated: NAME -->` and `<!-- end -->`; `tests/test_generated.py` says when one
is no longer what the code says.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Mapping
from itertools import groupby
from pathlib import Path
from typing import Any, Final

import botocore.session

from iamtui.account.snapshot_format import snapshot_schema
from iamtui.catalog import api_operations as tables
from iamtui.catalog import service_data
from iamtui.config import config_schema, settings
from iamtui.engine.calls.api_calls import iam_actions
from iamtui.tui.app import named_bindings
from iamtui.workspace.organization.organization_store import store_schema
from tools.man_page import man_page

ROOT: Final = Path(__file__).parent.parent


def settings_table() -> str:
    """Every setting: name, default, what it may be, its environment variable, and what it means."""
    rows = ["| setting | default | may be | meaning |", "|---|---|---|---|"]
    for setting in settings():
        default = setting.default
        shown = str(default).lower() if isinstance(default, bool) else str(default or "") if default != 0 else "0"
        code = f"`{shown}`" if shown and isinstance(default, str) else shown
        rows.append(f"| `{setting.name}` | {code} | {_cell(setting.check.expected)} | {_cell(setting.help)} |")
    return "\n".join(rows)


def themes_table() -> str:
    """Every theme that is shipped, with what its file says first of it."""
    rows = ["| theme | |", "|---|---|"]
    for file in sorted((ROOT / "themes").glob("*.toml")):
        about = file.read_text(encoding="utf-8").removeprefix("# ").partition("\n")[0].partition(". ")[0]
        rows.append(f"| `{file.stem}` | {_cell(about.rstrip('.'))} |")
    return "\n".join(rows)


def keys_table() -> str:
    """Every key that can be changed: its id, its keys, and what it does, by the first part of its id."""
    parts = []
    for area, bindings in groupby(named_bindings(), key=lambda binding: binding[0].split(".")[0]):
        rows = [f"| `{name}` | {_keys(keys)} | {_cell(words)} |" for name, keys, words in bindings]
        parts.append(f"### {area}\n\n| id | keys | what it does |\n|---|---|---|\n" + "\n".join(rows))
    return "\n\n".join(parts)


_KEY_NAMES: Final = {
    "question_mark": "?", "exclamation_mark": "!", "slash": "/", "colon": ":", "equals_sign": "=", "comma": ",",
    "left_square_bracket": "[", "right_square_bracket": "]", "full_stop": ".", "minus": "-", "plus": "+",
    "less_than_sign": "<", "greater_than_sign": ">", "asterisk": "*", "number_sign": "#", "vertical_line": "\\|",
}  # fmt: skip


def _keys(keys: str) -> str:
    return " ".join(f"`{_KEY_NAMES.get(key.strip(), key.strip())}`" for key in keys.split(","))


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


PARTS: Final[Mapping[tuple[str, str], Callable[[], str]]] = {
    ("docs/configuration.md", "settings"): settings_table,
    ("docs/keys.md", "keys"): keys_table,
    ("docs/theming.md", "themes"): themes_table,
}
"""By the page and the name of the part."""


def api_gateway_paths() -> str:
    """API Gateway's operations with the method and the path of each, whose parameters are called as in its input."""
    session = botocore.session.get_session()
    paths: dict[str, list[str]] = {}
    for service in ("apigateway", "apigatewayv2"):
        model = session.get_service_model(service)
        for name in model.operation_names:
            operation = model.operation_model(name)
            members = operation.input_shape.members if operation.input_shape else {}
            names = {
                shape.serialization.get("name", member): member
                for member, shape in members.items()
                if shape.serialization.get("location") == "uri"
            }
            path = re.sub(
                r"\{([\w-]+)\+?\}", lambda match, by=names: f"{{{by[match[1]]}}}", operation.http["requestUri"]
            )
            paths.setdefault(name, []).append(f"{operation.http['method']} {path.partition('?')[0]}")
    return json.dumps(dict(sorted(paths.items())), indent=0) + "\n"


def actions_without_operation() -> str:
    """The actions that no operation of the SDK is authorized by, by prefix, as far as their names tell."""
    session = botocore.session.get_session()
    reached = {*tables.VERSION_ACTIONS.values(), *tables.PARTIQL.values(), *tables.TRANSACTION.values()}
    for prefix, operations in tables.ACTIONS.items():
        for actions in operations.values():
            reached.update(name if ":" in name else f"{prefix}:{name}" for name in actions)
    for service in session.get_available_services():
        model = session.get_service_model(service)
        for name in model.operation_names:
            for source in dict.fromkeys((model.signing_name, model.endpoint_prefix, service)):
                reached.update(iam_actions(source, name))
    found: dict[str, list[str]] = {}
    for prefix in service_data.service_names():
        names = sorted(str(each["name"]) for each in service_data.read_actions_once(prefix).values())
        left = [name for name in names if f"{prefix}:{name}" not in reached]
        if left:
            found[prefix] = ["*"] if len(left) == len(names) else left
    lines = ",\n".join(f"{json.dumps(prefix)}: {json.dumps(names)}" for prefix, names in found.items())
    return f"{{\n{lines}\n}}\n"


_WITHOUT_SIGNATURE: Final = frozenset(("none", "bearer", "smithy.api#noAuth", "smithy.api#httpBearerAuth"))
_BY_TOKEN: Final = frozenset(("connectparticipant",))
"""Services whose calls are signed, and authorized by a token in them (Connect Participant Service API Reference)."""


def operations_without_action() -> str:
    """The operations of the SDK whose calls IAM authorizes, and for which the action data has no action, by prefix."""
    session = botocore.session.get_session()
    found: dict[str, set[str]] = {}
    for service in session.get_available_services():
        model = session.get_service_model(service)
        sources = dict.fromkeys((model.signing_name, model.endpoint_prefix, service))
        prefixes = [prefix for source in sources for prefix in tables.prefixes_of(source)]
        prefix = next(filter(service_data.is_service, prefixes), prefixes[0])
        for name in model.operation_names:
            operation = model.operation_model(name)
            ways = {model.metadata.get("signatureVersion"), operation.auth_type, *(operation.auth or ())}
            ways |= set(() if operation.auth else model.metadata.get("auth") or ())
            signed = service not in _BY_TOKEN and not ways & _WITHOUT_SIGNATURE
            if signed and not any(iam_actions(source, name) for source in sources):
                found.setdefault(prefix, set()).add(name)
    lines = ",\n".join(f"{json.dumps(prefix)}: {json.dumps(sorted(found[prefix]))}" for prefix in sorted(found))
    return f"{{\n{lines}\n}}\n"


SDK_FILES: Final[Mapping[str, Callable[[], str]]] = {
    "iamtui/catalog/actions_without_operation.json": actions_without_operation,
    "iamtui/catalog/operations_without_action.json": operations_without_action,
}
"""Those that take a look at the whole SDK, about 20 seconds."""

FILES: Final[Mapping[str, Callable[[], str]]] = {
    "iamtui/catalog/api_gateway_paths.json": api_gateway_paths,
    "iamtui/config.schema.json": lambda: _json(config_schema()),
    "docs/iamtui.1": man_page,
    "docs/snapshot.schema.json": lambda: _json(snapshot_schema()),
    "docs/organization-store.schema.json": lambda: _json(store_schema()),
}


def _json(value: Any) -> str:
    return json.dumps(value, indent=2) + "\n"


def generated() -> dict[str, str]:
    """The whole text of every file that is generated, or that has a part which is."""
    texts = {name: make() for name, make in FILES.items()}
    for (page, name), make in PARTS.items():
        text = texts.get(page) or (ROOT / page).read_text(encoding="utf-8")
        begin, end = f"<!-- generated: {name} -->\n", "<!-- end -->"
        before, found, rest = text.partition(begin)
        _, closed, after = rest.partition(end)
        if not (found and closed):
            raise SystemExit(f"{page} has no part {begin.strip()} ... {end}")
        texts[page] = f"{before}{begin}\n{make()}\n\n{end}{after}"
    return texts


def main() -> int:
    """Write what has changed; returns an exit code."""
    for name, text in (generated() | {name: make() for name, make in SDK_FILES.items()}).items():
        path = ROOT / name
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
            sys.stdout.write(f"{name}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
