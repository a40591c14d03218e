"""Assuming roles, temporary sessions, and handing credentials over."""
