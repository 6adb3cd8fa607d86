"""What ends a demo early, named by what the person at the terminal does about it.

::

    DemoError
    ├── DoorShut              look at ingress's log: it took no request in all that time
    ├── DoorAnswersStrangely  a defect, or something else listens there
    ├── Stuck                 look at the worker: it reads no further
    └── ServerLost            look at the server that the message names
"""


class DemoError(Exception):
    """Base of all; its text is a whole sentence for a person."""


class DoorShut(DemoError):
    """Ingress did not take a request in all the time it was given."""


class DoorAnswersStrangely(DemoError):
    """Ingress gave an answer that the request does not allow."""


class Stuck(DemoError):
    """The read models stopped short of the log's end."""


class ServerLost(DemoError):
    """Kafka, PostgreSQL or the HTTP service went away in the middle."""
