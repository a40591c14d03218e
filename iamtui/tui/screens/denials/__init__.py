"""The screens that explain denials."""
