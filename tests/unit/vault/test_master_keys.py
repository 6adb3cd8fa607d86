from pathlib import Path

import pytest

from services.vault.master_keys import BadMasterKeys, new_master_key, read_master_keys
from services.vault.wrapping import WrongMasterKeys, new_tenant_key, unwrapped_tenant_key


def test_each_line_is_a_key_and_the_first_one_wraps(tmp_path: Path) -> None:
    file = tmp_path / "master.keys"
    file.write_text(f"{new_master_key()}\n\n{new_master_key()}\n")
    first, second = read_master_keys(file)
    assert unwrapped_tenant_key("demo", new_tenant_key("demo", [first]), [first, second]).rewrapped is None


def test_a_key_that_an_older_master_key_wrapped_is_wrapped_by_the_first() -> None:
    old, new = b"o" * 32, b"n" * 32
    found = unwrapped_tenant_key("demo", new_tenant_key("demo", [old]), [new, old])
    assert found.rewrapped is not None
    again = unwrapped_tenant_key("demo", found.rewrapped, [new])
    assert again.key.hash_of("contact|line:a:b") == found.key.hash_of("contact|line:a:b")


def test_a_tenants_key_opens_with_its_master_key_and_for_its_tenant_alone() -> None:
    wrapped = new_tenant_key("demo", [b"m" * 32])
    with pytest.raises(WrongMasterKeys):
        unwrapped_tenant_key("demo", wrapped, [b"x" * 32])
    with pytest.raises(WrongMasterKeys):
        unwrapped_tenant_key("other", wrapped, [b"m" * 32])


@pytest.mark.parametrize("text", ["", "c2hvcnQ=", "not base64!", "é"])
def test_a_file_without_whole_keys_is_refused_without_showing_it(tmp_path: Path, text: str) -> None:
    file = tmp_path / "master.keys"
    file.write_text(text)
    with pytest.raises(BadMasterKeys) as refused:
        read_master_keys(file)
    assert not text or text not in str(refused.value)
