"""Accounts as files: the format, read and written, and what a source lacks."""
