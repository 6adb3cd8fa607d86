"""Keys under keys: the master keys wrap a tenant's key, and that wraps the keys of its subjects and hashes their names.

Pure but for the random bytes of new keys. A wrapped key opens only in the place that it was made for.
"""

import hmac
import os
from collections.abc import Sequence
from typing import Final, NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from schemas.sealing import KEY_ID_BYTES, SUBJECT_BYTES, Cipher, KeyName
from services.runtime.errors import ForeseenError

_KEY_BYTES: Final = 32
_NONCE_BYTES: Final = 12
_WRAPS: Final = b"onefold/subject-keys"
_HASHES: Final = b"onefold/subjects"


class WrongMasterKeys(ForeseenError):
    """A tenant's key was wrapped by a master key that is not in the file of ONEFOLD_MASTER_KEY_FILE."""


class NamedKey(NamedTuple):
    """A subject's key and its name. A tenth of the memory of its cipher, which is made in a microsecond."""

    name: KeyName
    raw: bytes

    @property
    def cipher(self) -> Cipher:
        """A new cipher of the key."""
        return Cipher(self.raw)


class WrappedKey(NamedTuple):
    """A new key of a subject, and how it is stored."""

    key: NamedKey
    wrapped: bytes


class UnwrappedTenantKey(NamedTuple):
    """A tenant's key, and how it should be stored if another master key than the first had wrapped it."""

    key: "TenantKey"
    rewrapped: bytes | None


class TenantKey:
    """What a tenant's key does: it hashes the names of subjects, and wraps their keys."""

    def __init__(self, tenant: str, raw: bytes) -> None:
        self._tenant = tenant
        self._cipher = Cipher(_derived(raw, _WRAPS))
        self._hash_key = _derived(raw, _HASHES)

    def hash_of(self, subject: str) -> bytes:
        """The keyed hash that stands for the subject wherever its name would be."""
        return hmac.digest(self._hash_key, subject.encode(), "sha256")[:SUBJECT_BYTES]

    def new_key(self, subject: bytes) -> WrappedKey:
        """A new key of a subject, which is given by its hash."""
        name, raw = subject + os.urandom(KEY_ID_BYTES), Cipher.generate_key(256)
        return WrappedKey(NamedKey(name, raw), _wrap(self._cipher, raw, self._place(name)))

    def unwrapped(self, name: KeyName, wrapped: bytes) -> NamedKey:
        """The key of a subject. Raises InvalidTag if it was changed, or stored for another subject."""
        return NamedKey(name, _unwrap(self._cipher, wrapped, self._place(name)))

    def _place(self, name: KeyName) -> bytes:
        return self._tenant.encode() + b"|" + name


def new_tenant_key(tenant: str, master_keys: Sequence[bytes]) -> bytes:
    """A new key of a tenant, wrapped by the first master key."""
    return _wrap(Cipher(master_keys[0]), Cipher.generate_key(256), tenant.encode())


def unwrapped_tenant_key(tenant: str, wrapped: bytes, master_keys: Sequence[bytes]) -> UnwrappedTenantKey:
    """The tenant's key. Raises WrongMasterKeys."""
    place = tenant.encode()
    for number, master in enumerate(master_keys):
        try:
            raw = _unwrap(Cipher(master), wrapped, place)
        except InvalidTag:
            continue
        rewrapped = _wrap(Cipher(master_keys[0]), raw, place) if number else None
        return UnwrappedTenantKey(TenantKey(tenant, raw), rewrapped)
    raise WrongMasterKeys(WrongMasterKeys.__doc__)


def _wrap(cipher: Cipher, raw: bytes, place: bytes) -> bytes:
    nonce = os.urandom(_NONCE_BYTES)
    return nonce + cipher.encrypt(nonce, raw, place)


def _unwrap(cipher: Cipher, wrapped: bytes, place: bytes) -> bytes:
    if len(wrapped) < _NONCE_BYTES:  # it was damaged; the cipher would take it for a mistake of ours
        raise InvalidTag
    return cipher.decrypt(wrapped[:_NONCE_BYTES], wrapped[_NONCE_BYTES:], place)


def _derived(raw: bytes, info: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=_KEY_BYTES, salt=None, info=info).derive(raw)
