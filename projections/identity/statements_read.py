"""The statements of contacts with their values normalised, each contact's once a chunk (pure)."""

from typing import NamedTuple

from projections.identity.new_evidence import ContactStatements
from projections.identity.resolution.member_merges import Canonical
from projections.identity.resolution.nodes import (
    Login,
    NormalisedStatement,
    StatementSetAside,
    logins_in,
    normalise_statements,
)
from projections.identity.resolution.policy import Policy


class ReadStatements(NamedTuple):
    """The statements of ``said`` that are evidence by the canonical ids, those that are none, and the logins."""

    said: ContactStatements
    canonical: Canonical
    statements: list[NormalisedStatement]
    excluded: list[StatementSetAside]
    logins: list[Login]


class StatementsRead:
    """Reads statements, and remembers what it read of each contact last."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._known: dict[str, ReadStatements] = {}

    def of(self, contact: str, said: ContactStatements, canonical: Canonical) -> ReadStatements:
        """What the statements of a contact come to."""
        known = self._known.get(contact)
        if known is None or known.said is not said or known.canonical is not canonical:
            statements, excluded = normalise_statements(said.statements, canonical, self._policy)
            known = ReadStatements(said, canonical, statements, excluded, logins_in(contact, statements))
            self._known[contact] = known
        return known
