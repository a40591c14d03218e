"""The screen: show, call workspace, react."""
