"""The life of a made-up brand, sent through the real thing; and the events that the benchmark uses."""
