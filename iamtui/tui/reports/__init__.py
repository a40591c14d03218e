"""Lists over the whole account: findings, escalation paths, what a number of the overview counts."""
