"""API calls as the actions and ARNs that AWS checks."""
