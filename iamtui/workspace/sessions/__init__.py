"""What becomes of a session: kept, renewed, offered to programs, handed over by reference, revoked."""
