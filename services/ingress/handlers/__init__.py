"""The use cases: validate what came in, append its events to the log, count what was refused."""
