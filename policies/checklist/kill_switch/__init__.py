"""Checklist item: every jurisdiction has a switch that works and is heard of."""
