"""Alarms as CloudWatch runs them, and the way that a message takes from one to somebody."""
