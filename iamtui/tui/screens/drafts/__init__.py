"""The screens of what-if drafts, and the main screen's parts that open them."""
