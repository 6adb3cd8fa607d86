"""The read API: contacts, customers and their timelines."""
