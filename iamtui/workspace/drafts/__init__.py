"""What-if drafts: edits laid over an opened account, made from questions, compared before and after."""
