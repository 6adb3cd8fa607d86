"""One row a contact and tag: how often, since when, from where, until when."""
