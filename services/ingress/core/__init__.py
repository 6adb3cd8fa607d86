"""Pure translators from a channel's requests to canonical events. No clock, no network, no settings."""
