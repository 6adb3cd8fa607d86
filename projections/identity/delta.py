"""What a chunk of evidence changes in the tables of identity."""

from dataclasses import dataclass, field
from typing import NamedTuple
from uuid import UUID

from projections.engine.metadata import Key
from projections.identity.tables import (
    ConflictRow,
    CustomerRow,
    LinkRow,
    MemberRow,
    ReferenceRow,
    StatementRow,
)
from schemas.changes import CustomerChange


class CustomerMerge(NamedTuple):
    """All contacts of a customer move to another one, and both make one component that goes by the other's id."""

    tenant: str
    resolution_id: str
    customer_id: UUID
    into: UUID


@dataclass(frozen=True, slots=True)
class IdentityDelta:
    """Rows to write, and primary keys to delete; each key comes once. It is filled while a chunk is decided.

    ``…_new`` are rows whose key is in no table yet. The others replace stored rows, and may equal them.
    """

    statements_new: list[StatementRow] = field(default_factory=list)
    statements: list[StatementRow] = field(default_factory=list)
    links_new: list[LinkRow] = field(default_factory=list)
    links_gone: list[LinkRow] = field(default_factory=list)
    references: list[ReferenceRow] = field(default_factory=list)  # new or stored
    references_gone: list[Key] = field(default_factory=list)
    members_new: list[MemberRow] = field(default_factory=list)
    members: list[MemberRow] = field(default_factory=list)
    merges: list[CustomerMerge] = field(default_factory=list)  # applied after the rows of members
    customers_new: list[CustomerRow] = field(default_factory=list)
    customers: list[CustomerRow] = field(default_factory=list)
    customers_gone: list[Key] = field(default_factory=list)
    conflicts: list[ConflictRow] = field(default_factory=list)  # new or stored
    conflicts_gone: list[Key] = field(default_factory=list)
    changes: list[CustomerChange] = field(default_factory=list)  # at most one a customer; numbered when saved
