"""What rebuilding asks of PostgreSQL."""
