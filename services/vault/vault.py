"""The keys that a process has at hand: loaded and made by the batch, kept for a bounded number of subjects.

A key that was destroyed leaves the cache of every process within `FRESH` seconds: before each use, unless it did so a
moment ago, a process asks which keys were destroyed since. While PostgreSQL does not answer, nothing can be destroyed,
and keys at hand are used for `USABLE` seconds.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Final, NamedTuple

import asyncpg
from cryptography.exceptions import InvalidTag

from projections.engine.connection import Connection
from schemas.sealing import SUBJECT_BYTES, Cipher, KeyName, NamedCipher
from schemas.subjects import contact_subject, member_subject
from services.runtime.database import create_pool, is_unavailable
from services.vault import store
from services.vault.store import DestroyedKey, KeyPlace, SubjectKeyRow
from services.vault.wrapping import NamedKey, TenantKey, new_tenant_key, unwrapped_tenant_key

FRESH: Final = 1.0  # seconds
USABLE: Final = 60.0  # seconds
_MOST_KEYS: Final = 50_000
_STATEMENT_WITHIN: Final = 30.0

Subject = tuple[str, str]  # tenant, subject
NameInTenant = tuple[str, KeyName]


class KeysToOpen(NamedTuple):
    """Keys by their names, and the names of those that were destroyed; of others nothing is known."""

    ciphers: Mapping[NameInTenant, Cipher]
    destroyed: Collection[NameInTenant]


class KeyVault:
    """The keys of all tenants. ``master_keys`` are 32 bytes each, the first one wraps. At most ``most`` are kept."""

    def __init__(
        self,
        pool: asyncpg.Pool,
        master_keys: Sequence[bytes],
        *,
        most: int = _MOST_KEYS,
        fresh: float = FRESH,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._pool, self._master_keys = pool, master_keys
        self._most, self._fresh, self._clock = most, fresh, clock
        self._tenants: dict[str, TenantKey] = {}
        self._keys: OrderedDict[KeyPlace, NamedKey] = OrderedDict()
        self._turn = asyncio.Lock()
        self._asked: set[KeyPlace] = set()
        self._to_make: set[KeyPlace] = set()
        self._looked_at: float | None = None  # when the latest destroyed keys were asked for
        self._latest = 0

    async def keys_of(self, subjects: Collection[Subject]) -> dict[Subject, NamedCipher]:
        """The keys of subjects, to seal with; those that have none get one. Raises what PostgreSQL raises."""
        await self._forget_destroyed()
        await self._load_tenants({tenant for tenant, _ in subjects}, make=True)
        places = {one: (one[0], self._tenants[one[0]].hash_of(one[1])) for one in subjects}
        found = await self._at_hand(set(places.values()), make=True)
        return {one: NamedCipher(found[place].name, found[place].cipher) for one, place in places.items()}

    async def ciphers_of(self, names: Collection[NameInTenant]) -> KeysToOpen:
        """The keys of these names, to open with. Raises what PostgreSQL raises."""
        await self._forget_destroyed()
        await self._load_tenants({tenant for tenant, _ in names}, make=False)
        known = {(tenant, name[:SUBJECT_BYTES]) for tenant, name in names if tenant in self._tenants}
        found = await self._at_hand(known, make=False)
        ciphers = {
            one: key.cipher
            for one in names
            if (key := found.get((one[0], one[1][:SUBJECT_BYTES]))) is not None and key.name == one[1]
        }
        missing = {DestroyedKey(one[0], one[1][SUBJECT_BYTES:]): one for one in names if one not in ciphers}
        if not missing:
            return KeysToOpen(ciphers, ())
        async with self._pool.acquire() as connection:
            destroyed = await store.find_destroyed(connection, missing.keys())
        return KeysToOpen(ciphers, {missing[one] for one in destroyed})

    async def destroy(
        self, connection: Connection, tenant: str, contact_keys: Collection[str], member_ids: Collection[str] = ()
    ) -> int:
        """Destroy the keys of contacts and of holders of member ids, in the caller's transaction; how many there were.

        What comes of them afterwards is sealed under new keys.
        """
        await self._load_tenants({tenant}, make=False)
        key = self._tenants.get(tenant)
        if key is None:
            return 0
        subjects = [*map(contact_subject, contact_keys), *map(member_subject, member_ids)]
        return await store.destroy(connection, tenant, [key.hash_of(one) for one in subjects])

    async def hash_of(self, tenant: str, subject: str) -> bytes:
        """The keyed hash of a subject."""
        await self._load_tenants({tenant}, make=True)
        return self._tenants[tenant].hash_of(subject)

    async def rewrap(self) -> int:
        """Wrap the tenants' keys that an older master key has wrapped by the first; how many there are."""
        async with self._pool.acquire() as connection:
            wrapped = await store.all_tenant_keys(connection)
            return sum([await self._take_tenant(connection, *one) for one in wrapped.items()])

    async def latest_destroyed(self) -> int:
        """The number of the latest key that was destroyed, as it was at most `FRESH` seconds ago."""
        await self._forget_destroyed()
        return self._latest

    async def _forget_destroyed(self) -> None:
        now = self._clock()
        if self._looked_at is not None and now - self._looked_at < self._fresh:
            return
        try:
            async with self._pool.acquire() as connection:
                if self._looked_at is None:
                    self._latest = await store.latest_destroyed(connection)
                else:
                    self._latest, destroyed = await store.destroyed_since(connection, self._latest)
                    self._drop(destroyed)
        except Exception as error:
            if self._looked_at is None or not is_unavailable(error) or now - self._looked_at > USABLE:
                raise
        else:
            self._looked_at = now

    def _drop(self, destroyed: Collection[DestroyedKey]) -> None:
        if destroyed:
            gone = [
                place
                for place, key in self._keys.items()
                if DestroyedKey(place[0], key.name[SUBJECT_BYTES:]) in destroyed
            ]
            for place in gone:
                del self._keys[place]

    async def _load_tenants(self, tenants: Collection[str], *, make: bool) -> None:
        missing = [one for one in tenants if one not in self._tenants]
        if not missing:
            return
        async with self._pool.acquire() as connection:
            wrapped = await store.find_tenant_keys(connection, missing)
            if make and (new := [one for one in missing if one not in wrapped]):
                for tenant in new:
                    await store.add_tenant_key(connection, tenant, new_tenant_key(tenant, self._master_keys))
                wrapped |= await store.find_tenant_keys(connection, new)
            for tenant, of_tenant in wrapped.items():
                await self._take_tenant(connection, tenant, of_tenant)

    async def _take_tenant(self, connection: Connection, tenant: str, wrapped: bytes) -> bool:
        """Keep the tenant's key; whether an older master key had wrapped it, which the first one does now."""
        found = unwrapped_tenant_key(tenant, wrapped, self._master_keys)
        self._tenants[tenant] = found.key
        if found.rewrapped is not None:
            await store.rewrap_tenant_key(connection, tenant, wrapped, found.rewrapped)
        return found.rewrapped is not None

    async def _at_hand(self, places: set[KeyPlace], *, make: bool) -> dict[KeyPlace, NamedKey]:
        """The keys in these places, as far as there are any; with ``make`` there are all."""
        found = self._cached(places)
        missing = places - found.keys()
        if not missing:
            return found
        # What several ask for at the same time is loaded together, by whoever gets the turn.
        self._asked |= missing
        self._to_make |= missing if make else set()
        async with self._turn:
            found |= self._cached(missing)
            if missing := places - found.keys():
                asked, self._asked = self._asked | missing, set()
                to_make, self._to_make = self._to_make | (missing if make else set()), set()
                loaded = await self._load(asked, to_make)
                found |= {place: loaded[place] for place in missing if place in loaded}
        return found

    def _cached(self, places: Collection[KeyPlace]) -> dict[KeyPlace, NamedKey]:
        keys = self._keys
        found = {place: key for place in places if (key := keys.get(place)) is not None}
        for place in found:
            keys.move_to_end(place)
        return found

    async def _load(self, places: set[KeyPlace], to_make: set[KeyPlace]) -> dict[KeyPlace, NamedKey]:
        async with self._pool.acquire() as connection:
            found = self._unwrapped(await store.find_keys(connection, places))
            if missing := to_make - found.keys():
                found |= await self._made(connection, missing)
        for place, key in found.items():
            self._keys[place] = key
        while len(self._keys) > self._most:
            self._keys.popitem(last=False)
        return found

    async def _made(self, connection: Connection, places: set[KeyPlace]) -> dict[KeyPlace, NamedKey]:
        new = {place: self._tenants[place[0]].new_key(place[1]) for place in places}
        rows = [SubjectKeyRow(*place, one.key.name[SUBJECT_BYTES:], one.wrapped) for place, one in new.items()]
        added = await store.add_keys(connection, rows)
        made = {place: new[place].key for place in added}
        if others := places - added:  # another process was first
            made |= self._unwrapped(await store.find_keys(connection, others))
        return made

    def _unwrapped(self, rows: Collection[SubjectKeyRow]) -> dict[KeyPlace, NamedKey]:
        """The keys of the rows; one that was changed is as good as none."""
        found: dict[KeyPlace, NamedKey] = {}
        for tenant, subject, key_id, wrapped in rows:
            try:
                key = self._tenants[tenant].unwrapped(subject + key_id, wrapped)
            except InvalidTag:
                continue
            found[tenant, subject] = key
        return found


@asynccontextmanager
async def open_key_vault(url: str, master_keys: Sequence[bytes], *, name: str) -> AsyncIterator[KeyVault]:
    """A vault on its own few connections, which are opened when they are first used."""
    pool = create_pool(
        url, name=f"{name}-keys", statement_timeout=_STATEMENT_WITHIN, min_size=0, max_size=2, by_key=True
    )
    async with pool:
        try:
            yield KeyVault(pool, master_keys)
        finally:
            pool.terminate()
