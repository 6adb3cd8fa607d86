"""Imports: customers or contacts that stand in a file, as events."""
