"""Why a file, or a row of it, can't be imported.

ImportRefused
 └ NotReadable · WrongColumns
RowRefused
"""

from collections.abc import Sequence


class ImportRefused(Exception):
    """The file as a whole can't be imported; the message says why, for people."""

    reason = "refused"


class NotReadable(ImportRefused):
    """The file is no text, no table, or no workbook."""

    reason = "not_readable"


class WrongColumns(ImportRefused):
    """The columns do not say what an import needs, or say it twice.

    ``columns`` are the titles with the fields that they were taken for.
    """

    columns: Sequence[tuple[str, str]] = ()

    reason = "wrong_columns"


class RowRefused(Exception):
    """A row can't be imported: a word of a closed set, and a sentence for people."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail
