"""One row a contact and custom attribute: the latest value."""
