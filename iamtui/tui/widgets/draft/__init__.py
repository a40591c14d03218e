"""Parts of the screens for what-if drafts."""
