"""Why changes can't be given, by what the listener can do.

ChangesError
├── UnknownCursor        begin anew
├── TooManyListeners     close others, or wait
└── ChangesUnavailable   try again
"""


class ChangesError(Exception):
    """Changes can't be given."""


class UnknownCursor(ChangesError):
    """The changes can't go on from this cursor.

    It was not given to this tenant, or the log before it or after it is gone.
    """


class TooManyListeners(ChangesError):
    """So many listen to this tenant's changes already that there is no room for another."""


class ChangesUnavailable(ChangesError):
    """Kafka can't be read just now."""
