"""Readiness says what is wrong with the master keys, and what to do about it."""

from pathlib import Path

import pytest

from services.runtime.http import NotReady
from services.vault.key_check import MasterKeyCheck
from services.vault.master_keys import new_master_key, read_master_keys
from services.vault.wrapping import new_tenant_key


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "master.keys"
    path.write_text(f"{new_master_key()}\n{new_master_key()}\n")
    return path


def test_the_keys_of_all_lines_open_what_they_wrapped(file: Path) -> None:
    first, second = read_master_keys(file)
    wrapped = {"a": new_tenant_key("a", [first]), "b": new_tenant_key("b", [second])}
    check = MasterKeyCheck(file)
    check.require_opened({})
    check.require_opened(wrapped)
    file.unlink()  # the process has read it
    check.require_opened(wrapped | {"c": new_tenant_key("c", [first])})
    MasterKeyCheck(None).require_opened({})


def test_a_file_that_is_not_set_is_lost_or_is_another_is_said(file: Path) -> None:
    wrapped = {"a": new_tenant_key("a", read_master_keys(file))}
    with pytest.raises(NotReady, match="is not set"):
        MasterKeyCheck(None).require_opened(wrapped)
    with pytest.raises(NotReady, match="can't be read"):
        MasterKeyCheck(file.with_name("none")).require_opened({})
    other = file.with_name("other")
    other.write_text(new_master_key())
    with pytest.raises(NotReady, match="does not have the master key") as refused:
        MasterKeyCheck(other).require_opened(wrapped)
    assert other.read_text().strip() not in str(refused.value)
