"""Recorded activity of an account: CloudTrail trails, collapsed to distinct requests."""
