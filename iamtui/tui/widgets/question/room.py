"""How much room a panel has: the class names by which styles and texts know it."""

from __future__ import annotations

NARROW, MEDIUM, WIDE = "-compact", "-medium", "-wide"
"""The verdict and two layers; all layers; a whole column."""
