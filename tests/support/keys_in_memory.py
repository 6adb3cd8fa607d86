"""The twin of `KeyVault` in memory: for laws about records, which need no database."""

import os
from collections.abc import Collection
from typing import cast
from uuid import UUID

from projections.engine.ids import personal_id
from schemas.sealing import KEY_ID_BYTES, Cipher, NamedCipher
from schemas.subjects import erased_id
from services.vault.records import SealedLog
from services.vault.vault import KeysToOpen, KeyVault, NameInTenant, Subject
from services.vault.wrapping import TenantKey


class KeysInMemory:
    """Keys of all subjects; `destroy` and `lose` take some away."""

    def __init__(self) -> None:
        self._tenant = TenantKey("demo", b"k" * 32)
        self._keys: dict[Subject, NamedCipher] = {}
        self._destroyed: set[NameInTenant] = set()

    async def keys_of(self, subjects: Collection[Subject]) -> dict[Subject, NamedCipher]:
        for one in subjects:
            if one not in self._keys:
                name = self._tenant.hash_of(f"{one[0]}|{one[1]}") + os.urandom(KEY_ID_BYTES)
                self._keys[one] = NamedCipher(name, Cipher(Cipher.generate_key(256)))
        return {one: self._keys[one] for one in subjects}

    async def ciphers_of(self, names: Collection[NameInTenant]) -> KeysToOpen:
        known = {(tenant, key.name): key.cipher for (tenant, _), key in self._keys.items()}
        found = {one: known[one] for one in names if one in known}
        return KeysToOpen(found, {one for one in names if one in self._destroyed})

    async def latest_destroyed(self) -> int:
        return len(self._destroyed)

    def destroy(self, tenant: str, subject: str) -> None:
        key = self._keys.pop((tenant, subject), None)
        if key is not None:
            self._destroyed.add((tenant, key.name))

    def lose(self) -> None:
        """As if the schema of keys were lost."""
        self._keys.clear()


def id_of(tenant: str, contact_key: str) -> UUID:
    return erased_id(contact_key) or personal_id(tenant.encode(), contact_key)


def sealed_log(keys: KeysInMemory) -> SealedLog:
    return SealedLog(cast("KeyVault", keys), id_of)
