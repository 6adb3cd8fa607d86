"""Every event of a contact, once: the set that all other read models are functions of."""
