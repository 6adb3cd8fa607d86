"""The worker that folds the log into the read models."""
