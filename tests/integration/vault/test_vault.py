"""Keys in a real PostgreSQL, as several processes use them at once."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack

import asyncpg
import pytest

from schemas.subjects import contact_subject
from services.vault.vault import KeyVault, open_key_vault
from services.vault.wrapping import WrongMasterKeys

MASTER = b"m" * 32
CONTACTS = [f"line:oa:U{number}" for number in range(300)]
SUBJECTS = [("demo", contact_subject(one)) for one in CONTACTS]


class Processes:
    """Vaults of several processes on one database."""

    def __init__(self, url: str, stack: AsyncExitStack) -> None:
        self.url, self._stack = url, stack

    async def start(self, master_keys: Sequence[bytes] = (MASTER,)) -> KeyVault:
        return await self._stack.enter_async_context(open_key_vault(self.url, master_keys, name="test"))

    async def destroy(self, vault: KeyVault, tenant: str, *contacts: str) -> int:
        connection = await asyncpg.connect(self.url)
        try:
            async with connection.transaction():
                return await vault.destroy(connection, tenant, contacts)
        finally:
            await connection.close()


@pytest.fixture
async def processes(database: str) -> AsyncIterator[Processes]:
    async with AsyncExitStack() as stack:
        yield Processes(database, stack)


async def test_processes_that_make_the_same_keys_at_once_agree_on_them(processes: Processes) -> None:
    one, other = await processes.start(), await processes.start()
    halves = (SUBJECTS[:200], SUBJECTS[100:], list(reversed(SUBJECTS)))
    found = await asyncio.gather(*(vault.keys_of(half) for vault in (one, other) for half in halves))
    names = {(subject, key.name) for keys in found for subject, key in keys.items()}
    assert len(names) == len(SUBJECTS)
    third = await processes.start()
    opened = await third.ciphers_of({("demo", name) for _, name in names})
    assert len(opened.ciphers) == len(SUBJECTS)
    sealed = found[0][SUBJECTS[0]]
    text = sealed.cipher.encrypt(b"n" * 12, b"text", None)
    assert opened.ciphers["demo", sealed.name].decrypt(b"n" * 12, text, None) == b"text"


async def test_a_destroyed_key_is_gone_for_every_process_and_the_subject_gets_another(processes: Processes) -> None:
    one, other = await processes.start(), await processes.start()
    keys = await one.keys_of(SUBJECTS)
    await other.keys_of(SUBJECTS)
    assert await processes.destroy(one, "demo", CONTACTS[0], "line:oa:unknown") == 1
    assert await processes.destroy(one, "demo", CONTACTS[0]) == 0
    for vault in (one, other):
        vault._fresh = 0.0  # asks at once, rather than a second later
        was = {("demo", keys[SUBJECTS[0]].name), ("demo", keys[SUBJECTS[1]].name)}
        found = await vault.ciphers_of(was)
        assert set(found.destroyed) == {("demo", keys[SUBJECTS[0]].name)}
        assert set(found.ciphers) == {("demo", keys[SUBJECTS[1]].name)}
    anew = [(await vault.keys_of(SUBJECTS))[SUBJECTS[0]].name for vault in (one, other)]
    assert anew[0] == anew[1] != keys[SUBJECTS[0]].name
    assert anew[0][:16] == keys[SUBJECTS[0]].name[:16]
    found = await other.ciphers_of({("demo", keys[SUBJECTS[0]].name)})
    assert found.destroyed
    assert not found.ciphers


async def test_a_key_that_was_never_destroyed_is_not_taken_for_a_destroyed_one(processes: Processes) -> None:
    vault = await processes.start()
    await vault.keys_of(SUBJECTS[:1])
    lost = {("demo", b"s" * 16 + b"k" * 8), ("nobody", b"s" * 16 + b"k" * 8)}
    found = await vault.ciphers_of(lost)
    assert not found.ciphers
    assert not found.destroyed


async def test_a_rolled_back_destruction_destroys_nothing(processes: Processes) -> None:
    vault = await processes.start()
    (key,) = (await vault.keys_of(SUBJECTS[:1])).values()
    connection = await asyncpg.connect(processes.url)
    transaction = connection.transaction()
    await transaction.start()
    assert await vault.destroy(connection, "demo", CONTACTS[:1]) == 1
    await transaction.rollback()
    await connection.close()
    vault._fresh = 0.0
    (after,) = (await vault.keys_of(SUBJECTS[:1])).values()
    assert after.name == key.name


async def test_a_new_first_master_key_wraps_and_the_old_one_may_go(processes: Processes) -> None:
    keys = await (await processes.start()).keys_of(SUBJECTS[:1])
    new = b"n" * 32
    with pytest.raises(WrongMasterKeys):
        await (await processes.start([new])).keys_of(SUBJECTS[:1])
    assert await (await processes.start([new, MASTER])).rewrap() == 1
    assert await (await processes.start([new, MASTER])).rewrap() == 0
    after = await (await processes.start([new])).keys_of(SUBJECTS[:1])
    assert after[SUBJECTS[0]].name == keys[SUBJECTS[0]].name


async def test_few_keys_are_kept_and_all_are_found(processes: Processes) -> None:
    vault = await processes.start()
    vault._most = 10
    keys = await vault.keys_of(SUBJECTS)
    assert len(vault._keys) == 10
    found = await vault.ciphers_of({("demo", key.name) for key in keys.values()})
    assert len(found.ciphers) == len(SUBJECTS)
