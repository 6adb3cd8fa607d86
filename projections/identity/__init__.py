"""The read model of identity: evidence by contact, membership, customers, and the outbox of customer changes."""
