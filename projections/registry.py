"""The read models there are. Adding one is a folder with tables.py and folds.py, and its line here."""

from typing import Final

from projections.attributes.folds import PROJECTION as ATTRIBUTES
from projections.bindings.folds import PROJECTION as BINDINGS
from projections.candidates.tables import TABLES as CANDIDATES
from projections.consents.folds import PROJECTION as CONSENTS
from projections.contacts.folds import PROJECTION as CONTACTS
from projections.engine.generations import GenerationSchema
from projections.engine.metadata import Table
from projections.engine.offsets import OFFSETS
from projections.engine.projection import Projection
from projections.erasures.folds import PROJECTION as ERASURES
from projections.identity import resolution
from projections.identity.tables import TABLES as IDENTITY
from projections.intrinsics import folds as intrinsics
from projections.intrinsics.tables import TABLE as INTRINSICS
from projections.notifications.folds import PROJECTION as NOTIFICATIONS
from projections.tags.folds import PROJECTION as TAGS
from projections.timeline import folds as timeline
from projections.timeline.tables import TABLE as TIMELINE
from projections.views import VIEWS

PROJECTIONS: Final[tuple[Projection, ...]] = (CONTACTS, TAGS, ATTRIBUTES, CONSENTS, NOTIFICATIONS, BINDINGS, ERASURES)
CONTACT_TABLES: Final[tuple[Table, ...]] = (TIMELINE, *(one.table for one in PROJECTIONS))
TABLES: Final[tuple[Table, ...]] = (*CONTACT_TABLES, INTRINSICS, *IDENTITY, *CANDIDATES)
SCHEMA: Final = GenerationSchema(
    (OFFSETS, *TABLES),
    {one.table.name: one.version for one in PROJECTIONS}
    | {TIMELINE.name: timeline.VERSION, INTRINSICS.name: intrinsics.VERSION, "identity": resolution.VERSION},
    VIEWS,
)
