"""One row a contact and kind of marketing: may it be sent."""
