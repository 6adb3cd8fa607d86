"""The read API: contacts, customers, their timelines, and why contacts are one customer."""
