"""Assuming roles: plan, decision, MFA, sessions and their end."""
