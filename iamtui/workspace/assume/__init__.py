"""Assuming a role: the inputs, both sides of the trust, the call, and why STS refuses."""
