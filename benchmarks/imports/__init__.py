"""How fast a file of members is imported, beside the same facts in batches to `POST /v1/events`."""
