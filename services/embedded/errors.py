"""Errors while servers are started, named by what the person at the terminal does about them.

::

    EmbeddedError
    ├── PortBusy            choose another port, or stop who has it
    ├── AlreadyRunning      use the one that runs, or stop it
    ├── CannotStart         read the log that the message names
    ├── ChildDied           read the log that the message names
    ├── IncompatibleData    fold the log anew, as the message says
    └── Unavailable         something has to be installed or reached first
        ├── NoJava
        ├── NoKafka
        └── NoPostgres
"""

from services.runtime.errors import EXIT_INCOMPATIBLE


class EmbeddedError(Exception):
    """Base of all; its text is a whole sentence for a person, ``exit_status`` what `onefold up` ends with."""

    exit_status = 1


class PortBusy(EmbeddedError):
    """Something else listens on a port that was asked for."""

    def __init__(self, port: int, what: str, setting: str) -> None:
        super().__init__(
            f"Port {port}, wanted for {what}, is in use by another program. "
            f"Stop that program or choose another port with {setting}."
        )
        self.port = port


class AlreadyRunning(EmbeddedError):
    """A second `up` was started on the same data."""


class CannotStart(EmbeddedError):
    """A server did not become ready."""


class IncompatibleData(EmbeddedError):
    """The read models in the data directory were made by another version of the code."""

    exit_status = EXIT_INCOMPATIBLE


class ChildDied(EmbeddedError):
    """A process that `up` started ended by itself."""


class Unavailable(EmbeddedError):
    """A program that is needed is missing and could not be fetched."""


class NoJava(Unavailable):
    """No Java of 17 or later was found or could be fetched."""


class NoKafka(Unavailable):
    """Apache Kafka's artifacts could not be fetched."""


class NoPostgres(Unavailable):
    """No PostgreSQL of 16 or later was found."""
