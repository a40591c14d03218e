"""Questions over a whole account."""
