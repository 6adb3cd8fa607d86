"""One row a contact and identifier that was ever stated about it, with the first and last event if it is intrinsic."""
