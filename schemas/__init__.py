"""The wire format: events, topics and their encoding. Pure; imports nothing else of this project."""
