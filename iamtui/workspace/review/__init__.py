"""Reports on a whole account: audit, escalations, administrators, overview."""
