"""The screens of sessions, and the main screen's parts that hold and hand them over."""
