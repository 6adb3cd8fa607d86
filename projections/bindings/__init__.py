"""One row a contact and identifier it was bound to: which way, when, and whether it still is."""
