"""Drafts of what-if edits: records laid over an account, kept in a file and exported."""
