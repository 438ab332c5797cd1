"""Checklist item: what is left of a platform that has lost a region goes on, and knows it."""
