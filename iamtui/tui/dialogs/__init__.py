"""Dialogs and text screens that all features share, help and palette."""
