"""Operations shared by screen and command line: open a source, resolve a principal, evaluate, assume."""
