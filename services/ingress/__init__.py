"""The only writer of the log: signed webhooks and canonical events in, `channel-events` out."""
