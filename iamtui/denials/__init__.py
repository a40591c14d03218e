"""AccessDenied messages and CloudTrail records: found in a text, parsed, and read as requests."""
