"""Who is who, remembered: evidence by contact, membership, customers, and what changed for the world outside."""
