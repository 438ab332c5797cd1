"""Checklist item: data, and what can take it elsewhere, stays in its jurisdiction."""
