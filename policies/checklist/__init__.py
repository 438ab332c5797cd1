"""The rules, one module or room for each item of the checklist."""
