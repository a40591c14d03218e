"""Questions about an account and their answers: one decision, sets, everybody, access, trust."""
