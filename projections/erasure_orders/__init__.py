"""Carrying out erasures of people: what is folded of them, and what else has copies of their data."""
