"""What was done in an account, as CloudTrail recorded it: trails read, and collapsed to distinct requests."""
