"""The tables of candidates. They hold nothing that a person said: keys are hashes, and signs are found when read.

They come from the other read models, by the worker's sweep, and not from events. So `onefold verify` does not compare
them: they are as of the latest sweep, and a reader compares every pair again before it shows it.
"""

from typing import Final, NamedTuple
from uuid import UUID

import sqlalchemy as sa

from projections.engine.metadata import Int, define


class CandidateKeyRow(NamedTuple):
    """That a customer has a blocking key."""

    tenant: str
    key: int
    customer_id: UUID


class CandidateRow(NamedTuple):
    """Two customers, the lesser id first.

    ``doubt`` is what the score lacks of 1, in ten-thousandths: the list in its order, then by the ids, is one range of
    an index, wherever a page begins.
    """

    tenant: str
    one_id: UUID
    other_id: UUID
    doubt: Int


class CandidateSweepRow(NamedTuple):
    """When the latest complete sweep of a tenant's customers began; ms, UTC."""

    tenant: str
    began_at: int


KEYS: Final = define(
    "candidate_keys", CandidateKeyRow, sa.Index("candidate_keys_of_customer", "tenant", "customer_id"), key=3
)
CANDIDATES: Final = define(
    "candidates",
    CandidateRow,
    sa.Index("candidates_of_other", "tenant", "other_id"),
    sa.Index("candidates_best_first", "tenant", "doubt", "one_id", "other_id"),
    key=3,
)
SWEEPS: Final = define("candidate_sweeps", CandidateSweepRow, key=1)
TABLES: Final = (KEYS, CANDIDATES, SWEEPS)
