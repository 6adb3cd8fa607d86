"""Keys derived from the master secret, and secrets kept under one of them.

Each purpose has its own key (HKDF-SHA256), so that no key reveals another one or the master. If the master is lost, the
personal ids can't be derived again and the stored channel secrets can't be decrypted.
"""

from base64 import urlsafe_b64encode
from typing import Final

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from services.runtime.errors import ForeseenError

_KEY_BYTES: Final = 32
_TENANT_ID: Final = b"onefold/tenant-id/"
_DELETIONS: Final = b"onefold/deletions/"
_RECEIPTS: Final = b"onefold/receipts/"
_CHANGE_CURSORS: Final = b"onefold/change-cursors"
_STORED_SECRETS: Final = b"onefold/stored-secrets"


class WrongMasterKey(ForeseenError):
    """What is stored was sealed under another ONEFOLD_SECRET_KEY, or was damaged."""


def tenant_id_key(master: str, tenant: str) -> bytes:
    """The key that derives the permanent personal ids of a tenant."""
    return _derive(master, _TENANT_ID + tenant.encode())


def deletion_key(master: str, tenant: str) -> bytes:
    """The key that derives the codes of a tenant's deletion requests, and the hashes of their persons."""
    return _derive(master, _DELETIONS + tenant.encode())


def receipt_key(master: str, tenant: str) -> Ed25519PrivateKey:
    """The key that signs a tenant's receipts; anybody can check them by its public half."""
    return Ed25519PrivateKey.from_private_bytes(_derive(master, _RECEIPTS + tenant.encode()))


def change_cursor_key(master: str) -> bytes:
    """The key that signs the cursors of changes."""
    return _derive(master, _CHANGE_CURSORS)


def seal(master: str, plaintext: bytes) -> bytes:
    """The plaintext, encrypted and authenticated (Fernet); different each time."""
    return _fernet(master).encrypt(plaintext)


def open_sealed(master: str, sealed: bytes) -> bytes:
    """The plaintext of ``sealed``. Raises WrongMasterKey."""
    try:
        return _fernet(master).decrypt(sealed)
    except InvalidToken:
        raise WrongMasterKey(WrongMasterKey.__doc__) from None


def _fernet(master: str) -> Fernet:
    return Fernet(urlsafe_b64encode(_derive(master, _STORED_SECRETS)))


def _derive(master: str, info: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=_KEY_BYTES, salt=None, info=info).derive(master.encode())
