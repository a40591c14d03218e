"""Proofs over all resources and all contexts: automata over patterns, and classes of values of condition keys."""
