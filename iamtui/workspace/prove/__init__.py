"""Proofs over the open account and its drafts."""
