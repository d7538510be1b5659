"""Exports in the programs they are for: ``python -m tests.viewers``."""
