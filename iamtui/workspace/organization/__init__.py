"""Many accounts: the store of an organization, and accounts opened side by side."""
