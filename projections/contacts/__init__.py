"""One row a contact: profile, subscription, the three times, staff, what took its place."""
