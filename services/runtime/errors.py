"""The base of errors whose message is a sentence for a person: a command prints it, a route answers it."""


class ForeseenError(Exception):
    """A person can correct this; the message says how."""
