"""The worker's values and pure decisions."""
