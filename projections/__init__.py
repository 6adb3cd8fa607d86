"""THE READ MODELS: each a fold over the log, kept with its own offset."""
