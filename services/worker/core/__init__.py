"""What a chunk's records are, decided by their bytes alone."""
