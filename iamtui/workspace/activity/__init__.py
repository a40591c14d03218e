"""Recorded calls: denials, use, replay, the least policy."""
