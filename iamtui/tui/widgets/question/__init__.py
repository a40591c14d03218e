"""The question panel: can this principal do this action on this resource, and why."""
