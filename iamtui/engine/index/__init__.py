"""The compiled account: one question read once for every principal."""
