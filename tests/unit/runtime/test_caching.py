import asyncio

import pytest

from services.runtime.caching import Remembered


class Directory:
    """A real one, small, that counts how often it is asked."""

    def __init__(self) -> None:
        self.entries = {"a": 1}
        self.asked = 0
        self.away = False
        self.slow = 0.0

    async def ask(self, key: str) -> int | None:
        self.asked += 1
        await asyncio.sleep(self.slow)
        if self.away:
            raise ConnectionError
        return self.entries.get(key)


@pytest.fixture
def directory() -> Directory:
    return Directory()


async def test_it_asks_once_in_a_while_also_for_what_is_not_there(directory: Directory) -> None:
    remembered = Remembered(directory.ask, fresh=10)
    assert [await remembered.get(key) for key in ("a", "a", "b", "b")] == [1, 1, None, None]
    assert directory.asked == 2


async def test_a_change_is_seen_when_the_answer_is_no_longer_fresh(directory: Directory) -> None:
    remembered = Remembered(directory.ask, fresh=0.05)
    assert await remembered.get("a") == 1
    assert await remembered.get("b") is None
    directory.entries = {"b": 2}
    await asyncio.sleep(0.06)
    assert await remembered.get("a") is None
    assert await remembered.get("b") == 2


async def test_many_who_ask_at_once_ask_once(directory: Directory) -> None:
    directory.slow = 0.01
    remembered = Remembered(directory.ask)
    assert await asyncio.gather(*(remembered.get("a") for _ in range(50))) == [1] * 50
    assert directory.asked == 1


async def test_one_who_goes_away_takes_the_answer_from_nobody(directory: Directory) -> None:
    directory.slow = 0.02
    remembered = Remembered(directory.ask)
    first, second = (asyncio.create_task(remembered.get("a")) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    assert await second == 1
    assert directory.asked == 1


async def test_what_was_known_stays_known_while_nobody_answers(directory: Directory) -> None:
    remembered = Remembered(directory.ask, fresh=0.01, patience=0.02)
    await remembered.get("a")
    directory.away = True
    await asyncio.sleep(0.02)
    assert await remembered.get("a") == 1
    directory.slow = 1
    await asyncio.sleep(0.02)
    assert await remembered.get("a") == 1
    with pytest.raises(TimeoutError):
        await remembered.get("never asked before")


async def test_what_is_known_already_is_not_waited_for_long(
    directory: Directory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.runtime.caching._SOON", 0.02)
    remembered = Remembered(directory.ask, fresh=0.01, patience=60)
    await remembered.get("a")
    directory.slow = 60
    await asyncio.sleep(0.02)
    async with asyncio.timeout(20):
        assert await remembered.get("a") == 1


async def test_it_does_not_stay_known_for_ever(directory: Directory) -> None:
    remembered = Remembered(directory.ask, fresh=0.01, usable=0.03)
    await remembered.get("a")
    directory.away = True
    await asyncio.sleep(0.05)
    with pytest.raises(ConnectionError):
        await remembered.get("a")


async def test_while_nobody_answers_only_one_waits_now_and_then(directory: Directory) -> None:
    remembered = Remembered(directory.ask, fresh=0.05)
    await remembered.get("a")
    directory.away = True
    await asyncio.sleep(0.06)
    for _ in range(20):
        assert await remembered.get("a") == 1
    assert directory.asked == 2


async def test_guesses_push_out_guesses_only(directory: Directory) -> None:
    remembered = Remembered(directory.ask, fresh=10, most=5)
    await remembered.get("a")
    for number in range(50):
        await remembered.get(f"guess {number}")
    await remembered.get("a")
    assert directory.asked == 51
