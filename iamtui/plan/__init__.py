"""Plans of infrastructure changes, read; nothing here asks an account."""
