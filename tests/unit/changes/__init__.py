"""The changes feed, without servers."""
