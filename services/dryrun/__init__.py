"""``onefold resolve``: tries identity's rules on a file of events, without any server."""
