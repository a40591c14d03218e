"""Recorded calls: use, replay, the least policy."""
