"""The policy language: parse, match, test conditions. Knows no account and no catalogue."""
