"""Log lines: an event's name and fields, for people or as JSON; the lines of libraries have the same format.

No line contains an identifier's value (a uid, a phone number, a key): fields are counts, our own names and reasons.
"""

import logging
import sys
from typing import Final

import structlog

from services.runtime.settings import Settings

# Libraries that log each rebalance or reconnection at level INFO.
_TALKATIVE: Final = ("aiokafka", "alembic", "faust", "httpx", "kafka", "mode", "uvicorn")


def configure_logging(settings: Settings) -> None:
    """Set up logging for this process. Call it once, before anything is logged."""
    shared: list[structlog.types.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.PositionalArgumentsFormatter(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *_renderer(settings)],
        )
    )
    level = logging.getLevelName(settings.log_level.upper())
    logging.basicConfig(handlers=[handler], level=level, force=True)
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(max(level, logging.WARNING) if level > logging.DEBUG else level)


def _renderer(settings: Settings) -> list[structlog.types.Processor]:
    # A traceback must not show variables: they hold identifiers.
    if settings.log_json:
        without_values = structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
        return [structlog.processors.ExceptionRenderer(without_values), structlog.processors.JSONRenderer()]
    colors = sys.stderr.isatty()
    return [structlog.dev.ConsoleRenderer(colors=colors, exception_formatter=structlog.dev.plain_traceback)]
