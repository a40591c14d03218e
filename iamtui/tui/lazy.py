"""Lazy imports of the screen: `lazy.help` is `iamtui.tui.dialogs.help`, which is imported when it is first named.

Listed are the modules that the first frame does without. Beside what the frame needs they would cost from 3 ms (a
dialog) to 150 ms (the engine) of a start that takes 300. `tests/test_import_hygiene.py` tells what need not be here.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from iamtui.catalog import actions as actions
    from iamtui.catalog import condition_keys as condition_keys
    from iamtui.catalog import dependent_actions as dependent_actions
    from iamtui.catalog import tables as tables
    from iamtui.credentials import console_url as console_url
    from iamtui.credentials import credentials_file as credentials_file
    from iamtui.credentials import export as export
    from iamtui.drafts import draft as draft
    from iamtui.tui import file_exports as file_exports
    from iamtui.tui import keymap as keymap
    from iamtui.tui.assume import dialog as dialog
    from iamtui.tui.assume import policy_screen as policy_screen
    from iamtui.tui.denials import explanation_screen as explanation_screen
    from iamtui.tui.dialogs import dialogs as dialogs
    from iamtui.tui.dialogs import help as help  # noqa: A004 - the module's name
    from iamtui.tui.dialogs import list_dialogs as list_dialogs
    from iamtui.tui.dialogs import palette as palette
    from iamtui.tui.drafts import changes as changes
    from iamtui.tui.drafts import draft_screen as draft_screen
    from iamtui.tui.drafts import edit_menu as edit_menu
    from iamtui.tui.drafts import editor_screen as editor_screen
    from iamtui.tui.drafts import impact_screen as impact_screen
    from iamtui.tui.explorer import access_and_trust_tabs as access_and_trust_tabs
    from iamtui.tui.explorer import organization_view as organization_view
    from iamtui.tui.explorer import search as search
    from iamtui.tui.explorer import tab_contents as tab_contents
    from iamtui.tui.main import place_menus as place_menus
    from iamtui.tui.opening import chooser as chooser
    from iamtui.tui.question import completion as completion
    from iamtui.tui.question import menus as menus
    from iamtui.tui.question import simulator_screen as simulator_screen
    from iamtui.tui.question import trace_screen as trace_screen
    from iamtui.tui.question import who_can_screen as who_can_screen
    from iamtui.tui.reports import overview_view as overview_view
    from iamtui.tui.reports import report_screen as report_screen
    from iamtui.tui.sessions import console_dialog as console_dialog
    from iamtui.tui.sessions import endpoint_screen as endpoint_screen
    from iamtui.tui.sessions import export_dialog as export_dialog
    from iamtui.tui.sessions import revoke_dialog as revoke_dialog
    from iamtui.workspace.activity import used as used
    from iamtui.workspace.ask import answers as answers
    from iamtui.workspace.ask import aws_simulator as aws_simulator
    from iamtui.workspace.ask import context_values as context_values
    from iamtui.workspace.ask import questions as questions
    from iamtui.workspace.ask import saved_questions as saved_questions
    from iamtui.workspace.assume import mfa as mfa
    from iamtui.workspace.assume import session_actions as session_actions
    from iamtui.workspace.change import account_diff as account_diff
    from iamtui.workspace.change import denied_question as denied_question
    from iamtui.workspace.change import draft_documents as draft_documents
    from iamtui.workspace.change import draft_fixes as draft_fixes
    from iamtui.workspace.change import draft_session as draft_session
    from iamtui.workspace.change import impact as impact
    from iamtui.workspace.organization import live_accounts as live_accounts
    from iamtui.workspace.organization import open_accounts as open_accounts
    from iamtui.workspace.prove import draft_proofs as draft_proofs
    from iamtui.workspace.review import audit as audit
    from iamtui.workspace.review import escalations as escalations
    from iamtui.workspace.review import overview_counts as overview_counts
    from iamtui.workspace.source import account_cache as account_cache
    from iamtui.workspace.source import opening as opening
    from iamtui.workspace.source import organization as organization
    from iamtui.workspace.source import principals as principals
    from iamtui.workspace.source import profile_roles as profile_roles
    from iamtui.workspace.source import reference_commands as reference_commands
    from iamtui.workspace.source import unknown_facts as unknown_facts

_PACKAGES: Final = (
    "iamtui.catalog",
    "iamtui.credentials",
    "iamtui.drafts",
    "iamtui.tui.assume",
    "iamtui.tui.denials",
    "iamtui.tui.dialogs",
    "iamtui.tui.drafts",
    "iamtui.tui.explorer",
    "iamtui.tui.main",
    "iamtui.tui.opening",
    "iamtui.tui.question",
    "iamtui.tui.reports",
    "iamtui.tui.sessions",
    "iamtui.workspace.activity",
    "iamtui.workspace.ask",
    "iamtui.workspace.assume",
    "iamtui.workspace.change",
    "iamtui.workspace.organization",
    "iamtui.workspace.prove",
    "iamtui.workspace.review",
    "iamtui.workspace.source",
    "iamtui.tui",
)

_AHEAD: Final = ("dialog", "who_can_screen", "trace_screen", "report_screen", "help", "palette")
"""What one key opens. Its import is a third of what the first opening costs."""


def load_ahead(cancelled: Callable[[], bool]) -> None:
    """Import what one key opens, for a thread of its own while nobody does anything; stops when cancelled."""
    for name in not_loaded():
        if cancelled():
            return
        getattr(sys.modules[__name__], name)


def not_loaded() -> list[str]:
    """What one key opens and has not been imported."""
    return [name for name in _AHEAD if name not in globals()]


if not TYPE_CHECKING:

    def __getattr__(name: str) -> ModuleType:
        for package in _PACKAGES:
            if find_spec(f"{package}.{name}") is not None:
                module = globals()[name] = import_module(f"{package}.{name}")
                return module
        raise AttributeError(name)
