"""The Faust agents: each takes a chunk and hands it over."""
