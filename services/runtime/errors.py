"""The base of every error whose message is a sentence for a person: a command ends with it, a route answers it."""


class ForeseenError(Exception):
    """Something a person can set right; the message says what."""
