"""The whole reasoning behind an answer, and the documents it leads to."""
