"""Sealed values of log records: personal data that can be read only with the key of the person they are about.

A sealed value is a binary envelope. Its header is readable: tenant, and the names of the keys that it takes to open all
of it. The body is the record's whole value under the first of these keys. A `Reference` is a part of the value that is
about somebody else: it is sealed under that subject's own key inside the body, so that destroying one key leaves the
rest readable. The record's key in Kafka is authenticated too, so that a value opens only where it was put.

::

    0xE5 0x01 | flags | length of tenant | tenant | number of keys | subject 16, key id 8 (each) | nonce 12 | body, tag

Sealing and opening are pure: random bytes and keys come in as arguments.
"""

from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

Cipher = AESGCM
RandomBytes = Callable[[int], bytes]
# The name of a key: a keyed hash of its subject, and a random id that no other key of the subject has.
KeyName = bytes
JsonPath = tuple[str | int, ...]  # the steps from a JSON value to a part of it

_MAGIC: Final = b"\xe5\x01"  # no JSON begins like this, and no UTF-8 text
SUBJECT_BYTES: Final = 16
KEY_ID_BYTES: Final = 8
_NAME_BYTES: Final = SUBJECT_BYTES + KEY_ID_BYTES
_NONCE_BYTES: Final = 12
_TAG_BYTES: Final = 16
_HAS_REFERENCES: Final = 1
_MOST_KEYS: Final = 65_535


class NamedCipher(NamedTuple):
    """A key that can seal."""

    name: KeyName
    cipher: Cipher


class Reference(NamedTuple):
    """Equal parts of a JSON value that are about another subject than the rest, and what stands there without its key.

    ``lost`` takes the place of the parts once the key is destroyed; None leaves them out. Without a ``required`` part
    the rest says something else, so nothing is left of the value.
    """

    paths: tuple[JsonPath, ...]
    subject: str
    lost: str | None = None
    required: bool = False


class BrokenSeal(ValueError):
    """The bytes are no sealed value, were changed, or belong to another record key."""


class SealedEnvelope(NamedTuple):
    """A sealed value with its header read. ``keys`` are what opens the body, then what opens its references."""

    tenant: str
    keys: tuple[KeyName, ...]
    has_references: bool
    header: bytes
    nonce: bytes
    body: bytes


def is_sealed(value: bytes | None) -> bool:
    """Whether a record's value is a sealed one."""
    return value is not None and value.startswith(_MAGIC)


def seal(  # noqa: PLR0913, PLR0917 - what an envelope is made of
    value: bytes,
    record_key: bytes,
    tenant: str,
    own: NamedCipher,
    references: Sequence[tuple[Reference, NamedCipher]],
    random_bytes: RandomBytes,
) -> bytes:
    """The value, sealed for a record with this key. With references it must be a JSON object that has their paths."""
    names = [own.name, *dict.fromkeys(cipher.name for _, cipher in references)]
    if len(names) > _MOST_KEYS:
        raise ValueError(f"a value is sealed under at most {_MOST_KEYS} keys")
    header = _header(tenant, names, has_references=bool(references))
    body = _with_sealed_parts(value, references, random_bytes) if references else value
    nonce = random_bytes(_NONCE_BYTES)
    return header + nonce + own.cipher.encrypt(nonce, body, header + record_key)


def read_envelope(value: bytes) -> SealedEnvelope:
    """The envelope that the value is. Raises BrokenSeal."""
    try:
        tenant_end = 4 + value[3]
        tenant = value[4:tenant_end].decode()
        names_from = tenant_end + 2
        number = int.from_bytes(value[tenant_end:names_from])
    except (IndexError, UnicodeDecodeError):
        raise BrokenSeal from None
    header_end = names_from + number * _NAME_BYTES
    body_from = header_end + _NONCE_BYTES
    if not is_sealed(value) or not number or len(value) < body_from + _TAG_BYTES:
        raise BrokenSeal
    names = tuple([value[start : start + _NAME_BYTES] for start in range(names_from, header_end, _NAME_BYTES)])
    has_references = bool(value[2] & _HAS_REFERENCES)
    return SealedEnvelope(
        tenant, names, has_references, value[:header_end], value[header_end:body_from], value[body_from:]
    )


def open_envelope(envelope: SealedEnvelope, record_key: bytes, ciphers: Mapping[KeyName, Cipher]) -> bytes | None:
    """The value; None if it can't be read without a key that ``ciphers`` lacks. Raises BrokenSeal."""
    own = ciphers.get(envelope.keys[0])
    if own is None:
        return None
    try:
        body = own.decrypt(envelope.nonce, envelope.body, envelope.header + record_key)
    except InvalidTag:
        raise BrokenSeal from None
    return _with_opened_parts(body, ciphers) if envelope.has_references else body


def _header(tenant: str, names: Sequence[KeyName], *, has_references: bool) -> bytes:
    encoded = tenant.encode()
    flags = _HAS_REFERENCES if has_references else 0
    start = _MAGIC + bytes((flags, len(encoded))) + encoded + len(names).to_bytes(2)
    return start + b"".join(names)


def _with_sealed_parts(
    value: bytes, references: Sequence[tuple[Reference, NamedCipher]], random_bytes: RandomBytes
) -> bytes:
    """The value without the parts, and the parts by themselves, sealed."""
    whole = orjson.loads(value)
    sealed = []
    for reference, (name, cipher) in references:
        nonce = random_bytes(_NONCE_BYTES)
        part = orjson.dumps(_at(whole, reference.paths[0]))
        hidden = b64encode(name + nonce + cipher.encrypt(nonce, part, None)).decode()
        sealed.append([reference.paths, reference.lost, reference.required, hidden])
    # From the last element of a list to its first, so that the places of the others stay as they are.
    for path in sorted((path for reference, _ in references for path in reference.paths), key=path_order, reverse=True):
        del _at(whole, path[:-1])[path[-1]]
    return orjson.dumps([whole, sealed])


def _with_opened_parts(body: bytes, ciphers: Mapping[KeyName, Cipher]) -> bytes | None:
    whole, sealed = orjson.loads(body)
    found: list[tuple[JsonPath, Any]] = []  # a part that is left out is _LEFT_OUT
    for paths, lost, required, hidden in sealed:
        raw = b64decode(hidden)
        cipher = ciphers.get(raw[:_NAME_BYTES])
        if cipher is None and required:
            return None
        if cipher is not None:
            nonce, rest = raw[_NAME_BYTES : _NAME_BYTES + _NONCE_BYTES], raw[_NAME_BYTES + _NONCE_BYTES :]
            part = orjson.loads(cipher.decrypt(nonce, rest, None))
        else:
            part = _LEFT_OUT if lost is None else lost
        found += [(tuple(path), part) for path in paths]
    _put_back(whole, sorted(found, key=lambda one: path_order(one[0])))
    return orjson.dumps(whole)


_LEFT_OUT: Final = object()


def _put_back(whole: Any, parts: Sequence[tuple[JsonPath, Any]]) -> None:
    """Put each part where it was; what comes after one that is left out moves up in its list."""
    left_out: dict[JsonPath, int] = {}
    for path, part in parts:
        step, parent = path[-1], _at(whole, path[:-1])
        if part is _LEFT_OUT:
            left_out[path[:-1]] = left_out.get(path[:-1], 0) + 1
        elif isinstance(step, int):
            parent.insert(step - left_out.get(path[:-1], 0), part)
        else:
            parent[step] = part


def _at(whole: Any, path: JsonPath) -> Any:
    for step in path:
        whole = whole[step]
    return whole


def path_order(path: JsonPath) -> list[tuple[bool, int | str]]:
    """Sorts the elements of a list by their places; steps of the two kinds never meet at one place."""
    return [(isinstance(step, str), step) for step in path]
