"""The command line: parse, call workspace, print."""
