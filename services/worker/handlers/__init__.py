"""What happens to a chunk: decoded and saved, counted, or the reason why its partition stops."""
