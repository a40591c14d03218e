"""What-if drafts: edits as records, laid over an account, kept in a file and exported."""
