"""Finds the contact or customer that a name in a request means: ids are derived, identifier values are looked up."""

from collections.abc import Callable
from functools import lru_cache, partial
from typing import Final
from uuid import UUID

from projections.as_of.gathering import AnswerAbout
from projections.engine.ids import personal_id
from projections.identity.queries import canonical_of, holders, keys_of
from projections.identity.resolution.contact_uids import one_uid
from projections.identity.resolution.links import MEMBER_ID
from projections.identity.resolution.policy import Policy
from projections.identity.resolution.values import Normalised, normalise
from projections.identity.resolutions import policy_of
from schemas.events import ContactRef
from services.query.core import references
from services.query.core.errors import Ambiguous, NotFound
from services.query.handlers.snapshots import Snapshot
from services.runtime.auditing import note_ids, note_object
from services.runtime.secrets import tenant_id_key
from services.runtime.settings import Settings

CONTACT: Final = "contact"
NO_CONTACT: Final = "There is no such contact."
NO_CUSTOMER: Final = "There is no such customer."
# A value can have a hundred thousand holders. The strongest of them are enough to say whose it is, if anybody's.
_MOST_HOLDERS: Final = 200
_NAMED_BY: Final[dict[type, str]] = {references.ByPersonalId: "id", references.ByContact: CONTACT}


class CustomerLookup:
    """Finds what names mean, for every tenant.

    ``id_key`` gives a tenant's key of personal ids. ``region`` is the phone region of tenants that have set none.
    """

    def __init__(self, id_key: Callable[[str], bytes], region: str) -> None:
        self._id_key = lru_cache(maxsize=1024)(id_key)
        self._region = region

    @property
    def region(self) -> str:
        """The phone region of tenants that have set none."""
        return self._region

    @classmethod
    def of(cls, settings: Settings) -> "CustomerLookup":
        """A lookup by the master key. Raises MissingSetting."""
        return cls(partial(tenant_id_key, settings.master_key), settings.default_region)

    def policy_in(self, snapshot: Snapshot) -> Policy:
        """The policy in force. It also says how identifier values are normalised."""
        return policy_of(snapshot.active, self._region)

    def id_of(self, tenant: str, contact_key: str) -> UUID:
        """The contact's personal id, whether there is such a contact or not."""
        return personal_id(self._id_key(tenant), contact_key)

    def ids_of(self, tenant: str, contact: ContactRef) -> list[UUID]:
        """The personal ids that the contact may have, the likeliest first: a contact is named by its one uid.

        Events that came before uids had one spelling may still be a contact of the spelling that is given.
        """
        uids = dict.fromkeys((one_uid(contact.channel, contact.uid), contact.uid))
        return [self.id_of(tenant, contact.model_copy(update={"uid": uid}).key) for uid in uids]

    def contact(self, tenant: str, name: str) -> UUID:
        """The id of the contact that a key or an id names. Raises NotFound for what can be neither."""
        return self._derived(tenant, references.one_contact(name))

    async def customer(self, snapshot: Snapshot, name: str) -> UUID:
        """An id of the customer of this name, if there is one. Raises NotFound, or Ambiguous."""
        meant = references.customer(name)
        note_object(meant.type if isinstance(meant, references.ByIdentifier) else _NAMED_BY[type(meant)])
        found = await self._find(snapshot, meant)
        note_ids(found)
        return found

    async def _find(self, snapshot: Snapshot, meant: references.CustomerReference) -> UUID:
        if isinstance(meant, references.ByIdentifier):
            return await self._by_identifier(snapshot, meant)
        if isinstance(meant, references.ByContact):
            ids = self.ids_of(snapshot.tenant, meant.contact)
            known = await keys_of(snapshot.connection, snapshot.tenant, ids) if len(ids) > 1 else {}
            return next((one for one in ids if one in known), ids[0])
        return meant.personal_id

    def asked(self, tenant: str, name: str) -> AnswerAbout:
        """What a customer's name may mean, at whatever time. Raises NotFound for text that can't be a name."""
        meant = references.customer(name)
        if isinstance(meant, references.ByIdentifier):
            return AnswerAbout(typed=frozenset({(meant.type, meant.value)}))
        if isinstance(meant, references.ByContact):
            return AnswerAbout(frozenset(self.ids_of(tenant, meant.contact)))
        return AnswerAbout(frozenset({meant.personal_id}))

    def _derived(self, tenant: str, meant: references.ByPersonalId | references.ByContact) -> UUID:
        if isinstance(meant, references.ByContact):
            return self.ids_of(tenant, meant.contact)[0]
        return meant.personal_id

    async def _by_identifier(self, snapshot: Snapshot, meant: references.ByIdentifier) -> UUID:
        read = normalise(meant.type, meant.value, self.policy_in(snapshot))
        if not isinstance(read, Normalised):
            raise NotFound(NO_CUSTOMER)
        value = read.value
        if meant.type == MEMBER_ID:
            (value,) = await canonical_of(snapshot.connection, snapshot.resolution, [value])
        found = await holders(snapshot.connection, snapshot.resolution, (meant.type, value), limit=_MOST_HOLDERS)
        linked = [one for one in found if one.accepted]  # all accepted links of a value are one customer's
        # In the order of their strongest holder.
        customers = list(dict.fromkeys(one.customer_id for one in linked or found if one.customer_id is not None))
        if not customers:
            raise NotFound(NO_CUSTOMER)
        if len(customers) > 1:
            raise Ambiguous(customers)
        return customers[0]
