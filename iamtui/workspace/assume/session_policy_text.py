"""Inline session policies: as short as JSON can say them for STS, which counts characters, and readable for people."""

from __future__ import annotations

from typing import Final

from iamtui.policy.document import DocumentError, load_json, render
from iamtui.policy.json_numbers import json_text
from iamtui.problem import Problem

STARTING_POLICY: Final = """{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Effect": "Allow",
      "Action": "s3:GetObject",
      "Resource": "*"
    }
  ]
}
"""
"""What an editor begins with."""


def compact_policy(text: str) -> str:
    r"""The same document without blanks between its parts, and with what is not ASCII as \uXXXX.

    Raises:
        Problem: it is not a JSON object, or repeats a key, whose first value would be lost.
    """
    try:
        document = load_json(text)
    except DocumentError as error:
        where = f" (line {error.line})" if error.line is not None else ""
        raise Problem(f"The session policy cannot be read{where}: {error.message}.", "Correct it.") from None
    if not isinstance(document, dict):
        raise Problem("The session policy is not a JSON object.", "A policy is an object: { ... }.")
    return json_text(document, separators=(",", ":"), ensure_ascii=True)


def readable_policy(text: str) -> str:
    """The document with a line for each part; a text that cannot be read stays as it is."""
    try:
        return render(load_json(text))
    except DocumentError:
        return text
