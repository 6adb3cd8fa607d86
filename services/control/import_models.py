"""The shapes of imports, as the HTTP API answers them: what a dry run found, and what a run did."""

from typing import Annotated, Any
from uuid import UUID

from pydantic import Field, NonNegativeInt

from services.runtime.api import Answer


class ImportCounts(Answer):
    """What became of the rows of a file; together they are all its rows."""

    created: NonNegativeInt
    updated: NonNegativeInt
    unchanged: NonNegativeInt
    refused: NonNegativeInt
    empty: NonNegativeInt


class ImportColumn(Answer):
    """A column, and the field that it was taken for; ``guessed`` where the mapping does not name it."""

    title: str
    field: str
    guessed: bool


class ImportNote(Answer):
    """What is wrong with a row; ``reason`` is one of a closed set of words."""

    line: NonNegativeInt
    reason: str
    detail: str


class MembershipForecast(Answer):
    """How many merges and splits of customers the first so many ``rows`` would cause.

    Each 500 rows are looked at by themselves: what only two of these parts have in common joins nobody here.
    """

    rows: NonNegativeInt
    merges: NonNegativeInt
    splits: NonNegativeInt


class QuotaForecast(Answer):
    """What is used of the quota, now and after the import: at least and at most, where it counts customers."""

    unit: str
    limit: NonNegativeInt | None = None
    used: NonNegativeInt
    least_after: NonNegativeInt
    most_after: NonNegativeInt


class ImportResult(Answer):
    """What a dry run or a run found so far.

    ``refused`` has the first rows that were refused, and ``refused_for`` how many by reason. ``first_rows`` are the
    cells of the first rows. ``differs`` says by how much the counts of a run differ from those of its dry run.
    """

    dry_run: bool
    counts: ImportCounts
    events: NonNegativeInt
    columns: Annotated[list[ImportColumn], Field(max_length=600)]
    encoding: str | None = None
    delimiter: str | None = None
    first_rows: Annotated[list[list[str]], Field(max_length=100)]
    refused_for: dict[str, NonNegativeInt]
    refused: Annotated[list[ImportNote], Field(max_length=100)]
    warnings: Annotated[list[ImportNote], Field(max_length=100)]
    warnings_left_off: NonNegativeInt
    membership: MembershipForecast | None = None
    quota: QuotaForecast | None = None
    differs: dict[str, int]


class ImportRun(Answer):
    """A dry run or a run of an import: its job, how far it is, and what it found.

    ``refused_rows`` is where the file of all refused rows is; null if there is none, or none any more.
    """

    job: UUID
    dry_run: bool
    state: str
    done: NonNegativeInt
    total: NonNegativeInt | None = None
    result: ImportResult | None = None
    problem: dict[str, Any] | None = None
    refused_rows: str | None = None


class ImportView(Answer):
    """A file to import, and its dry run and runs, the newest first."""

    id: UUID
    name: str
    bytes: NonNegativeInt
    runs: Annotated[list[ImportRun], Field(max_length=1000)]
