"""The permanent personal id of a contact: it depends on the tenant's key and the contact key, on nothing else."""

import hmac
from collections.abc import Callable
from uuid import UUID

IdOf = Callable[[str, str], UUID]  # (tenant, contact key) -> personal id
NO_CONTACT = UUID(int=0)  # the "contact" of events that concern the whole tenant


def personal_id(id_key: bytes, contact_key: str) -> UUID:
    """The contact's UUID (version 8, RFC 9562) from HMAC-SHA256 over its contact key."""
    return UUID(bytes=personal_id_bytes(id_key, contact_key))


def personal_id_bytes(id_key: bytes, contact_key: str) -> bytes:
    """The same as bytes, for UUIDs of another type."""
    digest = bytearray(hmac.digest(id_key, contact_key.encode(), "sha256")[:16])
    digest[6] = digest[6] & 0x0F | 0x80
    digest[8] = digest[8] & 0x3F | 0x80
    return bytes(digest)
