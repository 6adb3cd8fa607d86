"""The base of errors whose message is a sentence for a person: a command prints it, a route answers it."""

from typing import Final

# Every command's exit status where the read models were made by another version of the code (EX_CONFIG of sysexits.h):
# starting it again does not help, `onefold rebuild --swap` does.
EXIT_INCOMPATIBLE: Final = 78


class ForeseenError(Exception):
    """A person can correct this; the message says how."""
