"""Builds the demo account: one believable company, told as data, written as a snapshot file."""
