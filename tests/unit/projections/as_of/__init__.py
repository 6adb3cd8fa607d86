"""A customer at a time in the past."""
