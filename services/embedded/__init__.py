"""Kafka and PostgreSQL on one machine without Docker, and the whole service on top of them."""
