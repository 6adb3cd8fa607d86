"""What ends a demo early, named by what the person at the terminal does about it.

::

    DemoError
    ├── IngressUnavailable  look at the log of the HTTP service
    ├── UnexpectedAnswer    a defect, or something else listens there
    ├── Stuck               look at the worker: it reads no further
    └── ServerLost          look at the server that the message names
"""

from services.runtime.errors import ForeseenError


class DemoError(ForeseenError):
    """Base of all; its text is a whole sentence for a person."""


class IngressUnavailable(DemoError):
    """Ingress took no request in the time it was given."""


class UnexpectedAnswer(DemoError):
    """Ingress gave an answer that the request does not allow."""


class Stuck(DemoError):
    """The read models stopped short of the log's end."""


class ServerLost(DemoError):
    """Kafka, PostgreSQL or the HTTP service was lost in the middle."""
