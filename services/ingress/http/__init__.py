"""The edge of ingress: requests in, acknowledgements or problems out. The only place that reads a clock."""
