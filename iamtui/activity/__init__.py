"""Recorded activity of an account: CloudTrail trails, collapsed to distinct requests.

Which action and which ARNs an event stands for: `engine.calls`, with the tables of `catalog.api_operations`.
"""
