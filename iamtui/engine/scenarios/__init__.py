"""Scenarios: a request and its policies as JSON, without an account."""
