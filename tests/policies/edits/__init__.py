"""Harmful edits of the shipped stacks, by what they touch; ``test_edits.py`` tries each of them."""
