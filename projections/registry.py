"""The read models there are. Adding one is a folder with tables.py and folds.py, and its line here."""

from collections.abc import Collection
from typing import Final

from projections.attributes.folds import PROJECTION as ATTRIBUTES
from projections.bindings.folds import PROJECTION as BINDINGS
from projections.candidates.tables import TABLES as CANDIDATES
from projections.consents.folds import PROJECTION as CONSENTS
from projections.contacts.folds import PROJECTION as CONTACTS
from projections.customers import rows
from projections.customers.tables import CUSTOMER_ROWS
from projections.customers.tables import TABLES as CUSTOMERS
from projections.engine.generation_schema import GenerationSchema
from projections.engine.metadata import Table
from projections.engine.offsets import OFFSETS
from projections.engine.projection import Projection
from projections.engine.touched import TOUCHED
from projections.erasures import folds as erasures
from projections.erasures.tables import ERASED_EVENTS
from projections.erasures.tables import TABLE as ERASURES
from projections.identity import resolution
from projections.identity.tables import TABLES as IDENTITY
from projections.intrinsics import folds as intrinsics
from projections.intrinsics.tables import TABLE as INTRINSICS
from projections.notifications.folds import PROJECTION as NOTIFICATIONS
from projections.quota import folds as quota
from projections.quota.tables import TABLE as QUOTA_DAYS
from projections.tags.folds import PROJECTION as TAGS
from projections.timeline import folds as timeline
from projections.timeline.tables import TABLE as TIMELINE
from projections.views import VIEWS

PROJECTIONS: Final[tuple[Projection, ...]] = (CONTACTS, TAGS, ATTRIBUTES, CONSENTS, NOTIFICATIONS, BINDINGS)
# What a chunk is recorded in, whatever is folded from it.
_RECORDED: Final[tuple[Table, ...]] = (TIMELINE, ERASURES, ERASED_EVENTS)
_RECORDED_VERSIONS: Final = {TIMELINE.name: timeline.VERSION, ERASURES.name: erasures.VERSION}
CONTACT_TABLES: Final[tuple[Table, ...]] = (*_RECORDED, *(one.table for one in PROJECTIONS))
TABLES: Final[tuple[Table, ...]] = (*CONTACT_TABLES, QUOTA_DAYS, INTRINSICS, *IDENTITY, *CANDIDATES, *CUSTOMERS)
SCHEMA: Final = GenerationSchema(
    (OFFSETS, TOUCHED, *TABLES),
    {one.table.name: one.version for one in PROJECTIONS}
    | _RECORDED_VERSIONS
    | {INTRINSICS.name: intrinsics.VERSION, "identity": resolution.VERSION}
    | {QUOTA_DAYS.name: quota.VERSION, CUSTOMER_ROWS.name: rows.VERSION},
    VIEWS,
)
# Read models that can be rebuilt alone: each is a fold of a contact's events, and nothing but one table. What identity
# is made of can't be, since it folds the evidence that the other agent sends, and announces changes.
SINGLE: Final = frozenset(str(one.table.name) for one in PROJECTIONS) | {str(QUOTA_DAYS.name)}
# These are only built together: valid contacts are counted while their rows are folded.
_TOGETHER: Final = frozenset({str(CONTACTS.table.name), str(QUOTA_DAYS.name)})


def with_counters(read_models: Collection[str]) -> frozenset[str]:
    """These read models, and those that can't be built without them."""
    return frozenset(read_models) | (_TOGETHER if not _TOGETHER.isdisjoint(read_models) else frozenset())


def counts_quota(read_models: Collection[str] | None) -> bool:
    """Whether the counters of valid contacts are among these read models; None: all."""
    return read_models is None or QUOTA_DAYS.name in read_models


def projections_of(read_models: Collection[str] | None) -> tuple[Projection, ...]:
    """The projections of these read models; with None, all of them."""
    return tuple(one for one in PROJECTIONS if read_models is None or one.table.name in read_models)


def schema_of(read_models: Collection[str] | None) -> GenerationSchema:
    """What a generation of these read models is made of: their tables, and the timeline. With None, a whole one."""
    if read_models is None:
        return SCHEMA
    made_of = projections_of(read_models)
    versions = {one.table.name: one.version for one in made_of} | _RECORDED_VERSIONS
    tables = (OFFSETS, *_RECORDED, *(one.table for one in made_of))
    if counts_quota(read_models):
        versions[QUOTA_DAYS.name] = quota.VERSION
        tables = (*tables, QUOTA_DAYS)
    return GenerationSchema(tables, versions, read_models=frozenset(read_models))
