"""One row a contact that was ever erased, with the latest erasure."""
