"""What the processes share: settings, errors, logs and metrics, HTTP, the database and the broker."""
