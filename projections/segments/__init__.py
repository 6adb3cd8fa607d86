"""Saved filters of customers: what they are, what a filter that names them asks for, and how large they were."""
