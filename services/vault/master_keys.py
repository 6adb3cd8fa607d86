"""The master keys: a file of base64 lines, each 32 bytes. The first one wraps; the others open what they wrapped."""

import binascii
import secrets
from base64 import b64decode, b64encode
from pathlib import Path
from typing import Final

from services.runtime.errors import ForeseenError

_KEY_BYTES: Final = 32


class BadMasterKeys(ForeseenError):
    """The file of ONEFOLD_MASTER_KEY_FILE can't be used. The message says why, and no key."""


def new_master_key() -> str:
    """A line for the file."""
    return b64encode(secrets.token_bytes(_KEY_BYTES)).decode()


def read_master_keys(file: Path) -> tuple[bytes, ...]:
    """The keys in the file, at least one. Raises BadMasterKeys."""
    try:
        lines = file.read_text("ascii").split()
    except (OSError, UnicodeDecodeError) as error:
        raise BadMasterKeys(f"{file} (ONEFOLD_MASTER_KEY_FILE) can't be read ({_why(error)})") from None
    if not lines:
        raise BadMasterKeys(f"{file} (ONEFOLD_MASTER_KEY_FILE) has no key; `openssl rand -base64 32` makes one")
    return tuple(_key(line, number, file) for number, line in enumerate(lines, 1))


def _why(error: OSError | UnicodeDecodeError) -> str:
    if isinstance(error, UnicodeDecodeError):
        return "it is not a file of text"
    return error.strerror or "the system does not say why"


def _key(line: str, number: int, file: Path) -> bytes:
    try:
        key = b64decode(line, validate=True)
    except binascii.Error:
        key = b""
    if len(key) != _KEY_BYTES:
        raise BadMasterKeys(f"line {number} of {file} (ONEFOLD_MASTER_KEY_FILE) is not base64 of {_KEY_BYTES} bytes")
    return key
