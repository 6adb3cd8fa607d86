"""Shared and dull: settings, errors, telemetry, database, broker, the chunked transport of Faust."""
