"""Decisions as rows of styled words, for the command line, which prints them, and the screen, which draws them."""
