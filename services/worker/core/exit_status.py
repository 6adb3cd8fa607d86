"""The worker's exit statuses, besides 0 (it was told to stop) and 2 (a setting is missing)."""

from typing import Final

EXIT_STUCK: Final = 75  # EX_TEMPFAIL: start the worker again
EXIT_LOG_TRUNCATED: Final = 65  # EX_DATAERR: a person must look
