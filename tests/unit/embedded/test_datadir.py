from pathlib import Path

import pytest

from services.embedded.datadir import DataDir
from services.embedded.errors import AlreadyRunning, CannotStart
from services.embedded.process import private_folder


def test_one_at_a_time(tmp_path: Path) -> None:
    first = DataDir(tmp_path / "data")
    with pytest.raises(AlreadyRunning, match=r"already runs on .*data \(process \d+\)"):
        DataDir(tmp_path / "data")
    first.close()
    DataDir(tmp_path / "data").close()


def test_the_master_key_is_made_once_and_is_private(tmp_path: Path) -> None:
    home = DataDir(tmp_path)
    key = home.master_key()
    home.close()
    again = DataDir(tmp_path)
    assert again.master_key() == key
    assert len(key) >= 32
    assert (tmp_path / "secret.key").stat().st_mode & 0o777 == 0o600
    again.close()


def test_whatever_holds_data_is_private(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir(mode=0o755)
    DataDir(tmp_path).close()
    private_folder(tmp_path / "kafka")
    modes = {path.name: path.stat().st_mode & 0o777 for path in tmp_path.iterdir() if path.is_dir()}
    assert modes == {"run": 0o700, "logs": 0o700, "kafka": 0o700}


def test_a_lost_master_key_is_not_quietly_replaced(tmp_path: Path) -> None:
    (tmp_path / "kafka").mkdir()
    home = DataDir(tmp_path)
    with pytest.raises(CannotStart, match="another key would give everybody another id"):
        home.master_key()
    home.close()


def test_a_place_that_cant_be_used_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(CannotStart, match="file/data can't be used as the data directory"):
        DataDir(tmp_path / "file" / "data")
