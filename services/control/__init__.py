"""The control plane: tenants, keys, sources, write keys and deletion requests, and their commands."""
