"""The read API over HTTP: names and numbers in, a question to a handler, its answer out as JSON."""
