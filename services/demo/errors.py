"""What ends a demo early."""

from services.runtime.errors import ForeseenError


class DemoError(ForeseenError):
    """Ingress, the worker or a server failed in the middle; the text says which, and where to look."""
