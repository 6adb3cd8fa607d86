"""The use cases: validate a request, append its events to the log, count what was refused."""
