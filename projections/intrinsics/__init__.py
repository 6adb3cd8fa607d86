"""One row a contact and identifier that its channel itself vouches for: since when it is known."""
