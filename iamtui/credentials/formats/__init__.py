"""Credentials as text: for shells, for files, for programs.

What goes in is checked character by character, and quoted as well: two walls, because the text is run by a shell.
"""

from iamtui.credentials.formats.catalogue import (
    DEFAULT_PROFILE,
    FORMATS,
    Format,
    Layout,
    evaluating_format,
    find_format,
    hand_over,
    shell_format,
    users_format,
)
from iamtui.credentials.formats.exportable import DEMO_LABEL, Exportable, aws_time, exportable
from iamtui.credentials.formats.preview import preview

__all__ = [
    "DEFAULT_PROFILE",
    "DEMO_LABEL",
    "FORMATS",
    "Exportable",
    "Format",
    "Layout",
    "aws_time",
    "evaluating_format",
    "exportable",
    "find_format",
    "hand_over",
    "preview",
    "shell_format",
    "users_format",
]
