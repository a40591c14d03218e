"""Denials."""
