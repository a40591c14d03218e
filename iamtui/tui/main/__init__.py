"""The main screen: panes, tree, marks, and what it remembers."""
