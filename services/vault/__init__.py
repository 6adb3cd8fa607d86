"""The keys under which personal data are sealed in the log: one a contact, wrapped by its tenant's, by a master key."""
