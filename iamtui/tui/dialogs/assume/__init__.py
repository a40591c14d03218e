"""The assume dialog: all inputs of sts:AssumeRole in one form, with our own answer shown before the call."""
