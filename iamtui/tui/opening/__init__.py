"""Choosing and opening what to look at."""
