"""The edge: requests in, problems or acknowledgements out. The only place with a clock."""
