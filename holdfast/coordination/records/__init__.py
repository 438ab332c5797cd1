"""Has it been done already, and what did it change.

Versioned records, events that are handled once, the outbox, and what keeps records few (``sweep``)
and true (``reconcile``).
"""
