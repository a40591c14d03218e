"""Drafts of what-if edits: records applied to an account, kept in a file and exported."""
