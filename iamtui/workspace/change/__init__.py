"""Drafts in use: documents, impact, differences, fixes."""
