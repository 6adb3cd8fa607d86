"""Omni-customers: what the contacts of one person add up to."""
