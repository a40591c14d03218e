"""Every place where the command line takes a file, as a command line with the file left open."""

from __future__ import annotations

from typing import Final

FILE: Final = "FILE"

COMMANDS: Final[dict[str, tuple[str, ...]]] = {
    "snapshot": ("list", "users", "--snapshot", FILE),
    "organization": ("list", "users", "--snapshot", "account.json", "--organization", FILE),
    "scenarios": ("simulate", FILE),
    "policy": ("lint", FILE),
    "log": ("explain", FILE, "--demo"),
    "trail": ("replay", FILE, "--demo"),
    "trail of a role": ("used", "data-engineer", FILE, "--demo"),
    "draft of a replay": ("replay", "trail.json", "--draft", FILE, "--demo"),
    "context": ("can", "aoife.brennan", "s3:GetObject", "--context-file", FILE, "--demo"),
    "session policy": ("can", "aoife.brennan", "s3:GetObject", "--session-policy", FILE, "--demo"),
    "draft": ("can", "aoife.brennan", "s3:GetObject", "--draft", FILE, "--demo"),
    "draft file": ("draft", "show", FILE, "--demo"),
    "document of a draft": ("draft", "edit", "new.json", "put-inline", "user/aoife.brennan", "p", FILE, "--demo"),
    "questions": ("questions", "run", "--questions", FILE, "--demo"),
    "draft of an organization": ("org", "ask", "--store", "nowhere", "--draft", FILE),
    "questions of an organization": ("org", "ask", FILE, "--store", "nowhere"),
    "policy of a session": ("assume", "analytics-lake-reader", "--policy", FILE, "--demo"),
}
"""What is read there, to the command."""

STANDARD_INPUT: Final = frozenset(
    (
        "snapshot",
        "scenarios",
        "policy",
        "log",
        "trail",
        "trail of a role",
        "draft of a replay",
        "context",
        "session policy",
        "draft",
        "document of a draft",
        "draft of an organization",
        "policy of a session",
    )
)
"""Those that read standard input for "-"."""


def command(kind: str, file: str) -> list[str]:
    return [file if word == FILE else word for word in COMMANDS[kind]]
