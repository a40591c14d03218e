"""Decisions in words and as JSON: reasons, explanation, layer reports, trace."""
