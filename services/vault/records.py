"""Seals what goes into the log, and opens what comes from it.

`SealedLog` does so with the keys of a `KeyVault`. `PlainLog` is for installations without master keys: everything goes
in and comes out as it is. Records that are not sealed are read as they are by both.
"""

import asyncio
import os
from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Final, NamedTuple, Protocol

from projections.engine.connection import Connection
from projections.engine.ids import IdOf
from schemas.codec import InvalidEvent, decode, encode
from schemas.events import Event
from schemas.sealing import (
    SUBJECT_BYTES,
    BrokenSeal,
    Cipher,
    KeyName,
    NamedCipher,
    Reference,
    SealedEnvelope,
    is_sealed,
    open_envelope,
    read_envelope,
    seal,
)
from schemas.subjects import TENANT, contact_subject, references_in, references_in_change, subject_of
from schemas.topics import event_key
from services.runtime.contact_ids import id_of
from services.runtime.decoding import KafkaRecord, OpenedRecord
from services.runtime.errors import ForeseenError
from services.runtime.metrics import RECORDS_ERASED
from services.runtime.settings import Settings
from services.vault.master_keys import read_master_keys
from services.vault.vault import KeyVault, Subject, open_key_vault

_AT_ONCE: Final = 200  # records; about a millisecond of work

Keyed = tuple[bytes | None, bytes | None]  # a record's key and value


class KeysNotSet(ForeseenError):
    """The log has sealed records, and ONEFOLD_MASTER_KEY_FILE is not set for this process."""


class EncodedEvent(NamedTuple):
    """An event, and the bytes that it is encoded as."""

    event: Event
    value: bytes

    @classmethod
    def of(cls, event: Event) -> "EncodedEvent":
        """The event with its bytes."""
        return cls(event, encode(event))


class ChangeToSend(NamedTuple):
    """A record of the topic of changes."""

    tenant: str
    key: bytes
    value: bytes


class RecordToSend(NamedTuple):
    """A record for a topic. ``place`` is the key whose hash gives the partition: that of a plain record."""

    key: bytes
    value: bytes
    place: bytes


class OpenedRecords(NamedTuple):
    """Records that can be read, in their order, and how many are left out because their keys were destroyed."""

    records: list[KafkaRecord]
    erased: int


class LogSealing(Protocol):
    """How records go into the log and come from it. Every method raises what PostgreSQL raises."""

    async def channel_records(self, events: Sequence[EncodedEvent]) -> list[RecordToSend]:
        """The records of events in the topic of channel events: those of one contact share a partition."""

    async def evidence_records(self, events: Sequence[EncodedEvent]) -> list[RecordToSend]:
        """The records of events in the topic of evidence: those of one tenant share a partition."""

    async def change_values(self, changes: Sequence[ChangeToSend]) -> list[bytes]:
        """The values of changes as they go into their topic."""

    async def opened(self, records: Sequence[KafkaRecord]) -> OpenedRecords:
        """Records of any topic, opened. One whose seal is broken, or whose key is not known, stays sealed."""

    async def opened_values(self, records: Sequence[Keyed]) -> list[bytes | None]:
        """The values of records, likewise; None for one whose key was destroyed."""

    async def destroy_keys(self, connection: Connection, tenant: str, contact_keys: Collection[str]) -> int:
        """Destroy the keys of contacts in the caller's transaction; how many there were."""

    async def latest_destroyed(self) -> int:
        """A number that grows whenever keys are destroyed: what was opened before must not be kept any longer."""


OpenSealing = Callable[[], AbstractAsyncContextManager[LogSealing]]


class PlainLog:
    """See LogSealing; for a log without sealed records. Opening one raises KeysNotSet."""

    async def channel_records(self, events: Sequence[EncodedEvent]) -> list[RecordToSend]:
        """See LogSealing."""
        places = [_place(event) for event, _ in events]
        return [RecordToSend(place, one.value, place) for place, one in zip(places, events, strict=True)]

    async def evidence_records(self, events: Sequence[EncodedEvent]) -> list[RecordToSend]:
        """See LogSealing."""
        keys = [event.tenant.encode() for event, _ in events]
        return [RecordToSend(key, one.value, key) for key, one in zip(keys, events, strict=True)]

    async def change_values(self, changes: Sequence[ChangeToSend]) -> list[bytes]:
        """See LogSealing."""
        return [one.value for one in changes]

    async def opened(self, records: Sequence[KafkaRecord]) -> OpenedRecords:
        """See LogSealing."""
        _require_plain(one.value for one in records)
        return OpenedRecords(list(records), 0)

    async def opened_values(self, records: Sequence[Keyed]) -> list[bytes | None]:
        """See LogSealing."""
        _require_plain(value for _, value in records)
        return [value for _, value in records]

    async def destroy_keys(self, connection: Connection, tenant: str, contact_keys: Collection[str]) -> int:
        """See LogSealing."""
        del connection, tenant, contact_keys  # there are no keys
        return 0

    async def latest_destroyed(self) -> int:
        """See LogSealing."""
        return 0


class _Unsealed(NamedTuple):
    """A value that is to be sealed; ``contact`` is the subject whose hash is in the record's key, if any."""

    tenant: str
    value: bytes
    subject: str
    references: Sequence[Reference]
    contact: str | None = None

    def subjects(self) -> Iterable[Subject]:
        """Whose keys it takes."""
        yield self.tenant, self.subject
        for one in self.references:
            yield self.tenant, one.subject
        if self.contact is not None:
            yield self.tenant, self.contact


class SealedLog:
    """See LogSealing. ``id_of_contact`` gives the personal id that stays of an erased contact."""

    def __init__(self, vault: KeyVault, id_of_contact: IdOf) -> None:
        self.vault = vault
        self._id_of = id_of_contact

    async def channel_records(self, events: Sequence[EncodedEvent]) -> list[RecordToSend]:
        """See LogSealing."""
        unsealed = [self._unsealed(one) for one in events]
        ciphers = await self._ciphers(unsealed)
        keys = [_record_key(one, ciphers) for one in unsealed]
        values = await _sealed(unsealed, keys, ciphers)
        return [
            RecordToSend(key, value, _place(one.event)) for key, value, one in zip(keys, values, events, strict=True)
        ]

    async def evidence_records(self, events: Sequence[EncodedEvent]) -> list[RecordToSend]:
        """See LogSealing."""
        unsealed = [self._unsealed(one) for one in events]
        keys = [one.tenant.encode() for one in unsealed]
        values = await _sealed(unsealed, keys, await self._ciphers(unsealed))
        return [RecordToSend(key, value, key) for key, value in zip(keys, values, strict=True)]

    async def change_values(self, changes: Sequence[ChangeToSend]) -> list[bytes]:
        """See LogSealing."""
        unsealed = [_Unsealed(one.tenant, one.value, TENANT, references_in_change(one.value)) for one in changes]
        return await _sealed(unsealed, [one.key for one in changes], await self._ciphers(unsealed))

    async def opened(self, records: Sequence[KafkaRecord]) -> OpenedRecords:
        """See LogSealing."""
        values = await self.opened_values([(one.key, one.value) for one in records])
        found: list[KafkaRecord] = []
        for record, value in zip(records, values, strict=True):
            if value is record.value:
                found.append(record)
            elif value is not None:
                found.append(OpenedRecord(record.key, value, record.offset, record.timestamp, record))
        return OpenedRecords(found, len(records) - len(found))

    async def opened_values(self, records: Sequence[Keyed]) -> list[bytes | None]:
        """See LogSealing."""
        opened = [value for _, value in records]
        envelopes = {number: one for number, value in enumerate(opened) if (one := _envelope(value)) is not None}
        if not envelopes:
            return opened
        keys = await self.vault.ciphers_of({(one.tenant, name) for one in envelopes.values() for name in one.keys})
        erased = 0
        for done, (number, envelope) in enumerate(envelopes.items(), 1):
            ciphers = _ciphers_for(envelope, keys.ciphers)
            lost = [name for name in envelope.keys if name not in ciphers]
            # A key that is missing and was not destroyed: the record must not be passed over.
            if all((envelope.tenant, name) in keys.destroyed for name in lost):
                opened[number] = _opened(envelope, records[number], ciphers)
                erased += opened[number] is None
            if done % _AT_ONCE == 0:
                await asyncio.sleep(0)
        RECORDS_ERASED.inc(erased)
        return opened

    async def destroy_keys(self, connection: Connection, tenant: str, contact_keys: Collection[str]) -> int:
        """See LogSealing."""
        return await self.vault.destroy(connection, tenant, contact_keys)

    async def latest_destroyed(self) -> int:
        """See LogSealing."""
        return await self.vault.latest_destroyed()

    def _unsealed(self, one: EncodedEvent) -> _Unsealed:
        event = one.event
        if event.contact is None:
            return _Unsealed(event.tenant, one.value, subject_of(event), references_in(event, None))
        subject, contact = subject_of(event), contact_subject(event.contact.key)
        if subject == contact:
            return _Unsealed(event.tenant, one.value, subject, references_in(event, None), contact)
        contact_id = self._id_of(event.tenant, event.contact.key)
        return _Unsealed(event.tenant, one.value, subject, references_in(event, contact_id), contact)

    async def _ciphers(self, unsealed: Sequence[_Unsealed]) -> Mapping[Subject, NamedCipher]:
        return await self.vault.keys_of({subject for one in unsealed for subject in one.subjects()})


async def _sealed(
    unsealed: Sequence[_Unsealed], keys: Sequence[bytes], ciphers: Mapping[Subject, NamedCipher]
) -> list[bytes]:
    sealed: list[bytes] = []
    for one, key in zip(unsealed, keys, strict=True):
        references = [(each, ciphers[one.tenant, each.subject]) for each in one.references]
        sealed.append(seal(one.value, key, one.tenant, ciphers[one.tenant, one.subject], references, os.urandom))
        if len(sealed) % _AT_ONCE == 0:
            await asyncio.sleep(0)
    return sealed


def _record_key(one: _Unsealed, ciphers: Mapping[Subject, NamedCipher]) -> bytes:
    """The key of a sealed channel event, with a keyed hash of the contact in the contact key's place."""
    hashed = b"" if one.contact is None else ciphers[one.tenant, one.contact].name[:SUBJECT_BYTES]
    return f"{one.tenant}|".encode() + urlsafe_b64encode(hashed).rstrip(b"=")


def _place(event: Event) -> bytes:
    return event_key(event.tenant, event.contact.key if event.contact else None)


async def places_of(sealing: LogSealing, records: Sequence[Keyed]) -> list[bytes | None]:
    """The key that gives each record its partition: that of a plain record, also for sealed channel events.

    What can't be opened any more stays with its own key. Raises KeysNotSet, and what PostgreSQL raises.
    """
    values = await sealing.opened_values(records)
    return [
        key if value is None or value is sealed else _place_of(key, value)
        for (key, sealed), value in zip(records, values, strict=True)
    ]


def _place_of(key: bytes | None, value: bytes) -> bytes | None:
    """The plain key of an opened record; records of other topics than that of channel events have no other key."""
    try:
        event = decode(value)
    except InvalidEvent:
        return key
    return _place(event) if key is not None and key.startswith(f"{event.tenant}|".encode()) else key


def _envelope(value: bytes | None) -> SealedEnvelope | None:
    """The envelope that the value is; None if it is not sealed, or no envelope."""
    if value is None or not is_sealed(value):
        return None
    try:
        return read_envelope(value)
    except BrokenSeal:
        return None


def _ciphers_for(envelope: SealedEnvelope, known: Mapping[tuple[str, KeyName], Cipher]) -> dict[KeyName, Cipher]:
    tenant = envelope.tenant
    return {name: cipher for name in envelope.keys if (cipher := known.get((tenant, name))) is not None}


def _opened(envelope: SealedEnvelope, record: Keyed, ciphers: Mapping[KeyName, Cipher]) -> bytes | None:
    """The value; the sealed one if its seal is broken."""
    try:
        return open_envelope(envelope, record[0] or b"", ciphers)
    except BrokenSeal:
        return record[1]


def _require_plain(values: Iterable[bytes | None]) -> None:
    if any(map(is_sealed, values)):
        raise KeysNotSet(KeysNotSet.__doc__)


@asynccontextmanager
async def open_plain_log() -> AsyncIterator[LogSealing]:
    """Seals nothing."""
    yield PlainLog()


@asynccontextmanager
async def open_log_sealing(settings: Settings, *, name: str) -> AsyncIterator[LogSealing]:
    """Seals with the keys that the settings name, if they name any. Raises BadMasterKeys, MissingSetting."""
    if settings.master_key_file is None:
        yield PlainLog()
        return
    master_keys = read_master_keys(settings.master_key_file)
    async with open_key_vault(settings.database_url, master_keys, name=name) as vault:
        yield SealedLog(vault, id_of(settings.master_key))


async def wrap_by_first_master_key(settings: Settings) -> None:
    """Wrap every tenant's key by the first master key, if there are any: then the others can go.

    Raises BadMasterKeys, WrongMasterKeys, and what PostgreSQL raises.
    """
    if settings.master_key_file is not None:
        master_keys = read_master_keys(settings.master_key_file)
        async with open_key_vault(settings.database_url, master_keys, name="onefold-migrate") as vault:
            await vault.rewrap()
