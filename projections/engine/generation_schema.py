"""What the code needs of a generation: its tables, indexes and folds, with digests that differ where these do."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from typing import Final

import sqlalchemy as sa

from projections.engine.metadata import FOR_READERS
from projections.engine.statements import comments, ddl, index_ddl
from projections.engine.views import View

OTHERS: Final = "others"  # in digests by read model: all that has no table of its own name


@dataclass(frozen=True)
class GenerationSchema:
    """What a generation is made of: its tables, the version of each read model's fold, by name, and views of it.

    ``read_models`` are those of a generation of some read models; None for a whole one.
    """

    tables: tuple[sa.Table, ...]
    fold_versions: Mapping[str, int]
    views: tuple[View, ...] = ()
    read_models: frozenset[str] | None = None

    @cached_property
    def ddl(self) -> list[str]:
        """The statements that create all tables and indexes in the schema that comes first in the search path."""
        return [statement for table in self.tables for statement in ddl(table)]

    @cached_property
    def indexes_for_readers(self) -> dict[str, str]:
        """The statement that creates each index which no fold needs, by the name of the index."""
        indexes = [index for table in self.tables for index in table.indexes if index.info == FOR_READERS]
        return {str(one.name): index_ddl(one) for one in indexes}

    @cached_property
    def comments(self) -> list[str]:
        """The statements that comment on the tables. They are no part of the digest."""
        return [statement for table in self.tables for statement in comments(table)]

    @cached_property
    def digest(self) -> str:
        """Differs wherever a table, an index or a fold's version does; not with the order in which they are listed."""
        if self.read_models is not None:
            return digest_of(self.model_digests)
        return self._digest(self.tables, self.fold_versions)

    @cached_property
    def model_digests(self) -> Mapping[str, str]:
        """The digest of each read model that is one table of its name; all other tables and folds have one together."""
        own = {str(table.name): table for table in self.tables if table.name in self.fold_versions}
        others = tuple(table for table in self.tables if table.name not in own)
        versions = {name: version for name, version in self.fold_versions.items() if name not in own}
        alone = {name: self._digest((table,), {name: self.fold_versions[name]}) for name, table in own.items()}
        return {**alone, OTHERS: self._digest(others, versions)}

    @staticmethod
    def _digest(tables: Iterable[sa.Table], fold_versions: Mapping[str, int]) -> str:
        statements = sorted(" ".join(statement.split()) for table in tables for statement in ddl(table))
        versions = sorted(f"{name} {version}" for name, version in fold_versions.items())
        return _short_hash([*statements, *versions])


def digest_of(model_digests: Mapping[str, str]) -> str:
    """The schema digest of a generation of some read models, from the digests of these."""
    return _short_hash(sorted(f"{name} {digest}" for name, digest in model_digests.items()))


def _short_hash(lines: Iterable[str]) -> str:
    return sha256("\n".join(lines).encode()).hexdigest()[:32]
