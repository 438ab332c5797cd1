"""Capabilities on AWS. Each module's docstring says what it guarantees, and what it costs.

Prices in these docstrings are list prices of us-east-1 in November 2026, before tax and traffic.
"""
