"""How fast an export is beside PostgreSQL's own COPY of the same rows, and how much memory it takes."""
