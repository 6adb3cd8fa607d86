"""PostgreSQL, and the process that previews run in."""
