"""Where a record lives, and what a conditional write is.

``store`` is the port; behind it are memory, DynamoDB and PostgreSQL, each with its ``aio`` twin,
and ``listing``, which tells records by prefix and age. Knows no protocol and runs nothing.
"""
