"""``onefold resolve``: resolves the customers in a file of events, without any server."""
