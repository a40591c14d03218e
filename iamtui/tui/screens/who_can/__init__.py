"""The question put to everybody."""
