"""What goes on in a worker beside its agents: the outbox relay and the policy rollout."""
