"""Values and pure decisions of a rebuild."""
