"""What both doors do: open a source, resolve a principal, ask, assume."""
