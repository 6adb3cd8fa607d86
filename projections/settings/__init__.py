"""A tenant's settings: the latest event of each counts."""
