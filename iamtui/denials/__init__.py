"""Denials as texts and records tell them: found in a log, taken apart, read as requests."""
