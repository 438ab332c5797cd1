"""Checklist item: everybody has a name, may do what they are for, and can become nobody else."""
