"""Pure translators: what a channel sent in, canonical events out. No clock, no network, no settings."""
