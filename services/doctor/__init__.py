"""Looks at a whole installation: settings, servers, topics, tables and processes. It changes nothing."""
