"""Bulk actions: one change to all customers that a filter finds, once each, and the way back."""
