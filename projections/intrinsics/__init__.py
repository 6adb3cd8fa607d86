"""One row an intrinsic identifier of a contact, with the first event that vouches for it; and what identity is sent."""
