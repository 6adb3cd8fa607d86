"""The Faust agents: each takes chunks and passes them on."""
