"""Assume."""
