"""One request and the policies in force give one Decision."""
