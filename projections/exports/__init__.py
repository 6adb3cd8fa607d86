"""Exports: rows of customers, or of their contacts, for spreadsheets and other programs."""
