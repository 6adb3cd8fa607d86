import hmac
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.runtime.secrets import WrongMasterKey, open_sealed, seal, tenant_id_key


def hkdf(master: bytes, info: bytes) -> bytes:
    """RFC 5869 for one block, written out: ids must stay what they are, whatever library derives them."""
    extracted = hmac.digest(b"\x00" * 32, master, sha256)
    return hmac.digest(extracted, info + b"\x01", sha256)


def test_the_id_key_is_hkdf_of_the_master_and_the_tenant() -> None:
    assert tenant_id_key("master", "acme") == hkdf(b"master", b"onefold/tenant-id/acme")


def test_the_id_key_differs_by_tenant_and_by_master() -> None:
    assert len({tenant_id_key(master, tenant) for master in ("m1", "密鑰") for tenant in ("a", "b")}) == 4


@given(st.binary(max_size=200), st.text(min_size=1, max_size=10).filter(lambda text: text.isprintable()))
def test_a_sealed_secret_opens_again_and_is_sealed_differently_each_time(plaintext: bytes, master: str) -> None:
    sealed = seal(master, plaintext)
    assert open_sealed(master, sealed) == plaintext
    assert seal(master, plaintext) != sealed


def test_another_master_key_opens_nothing() -> None:
    with pytest.raises(WrongMasterKey):
        open_sealed("other", seal("master", b"secret"))


@pytest.mark.parametrize("at", [0, 10, 40, -1])
def test_a_changed_byte_is_detected(at: int) -> None:
    sealed = bytearray(seal("master", b"secret"))
    sealed[at] ^= 1
    with pytest.raises(WrongMasterKey):
        open_sealed("master", bytes(sealed))
