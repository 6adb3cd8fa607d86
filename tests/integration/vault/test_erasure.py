"""An erasure through the real thing: what came by many doors is gone from the servers' files, and stays away."""

from base64 import b64decode
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from services.control.keys import add_key
from services.embedded.http import create_app
from services.runtime.database import open_engine
from services.vault.master_keys import new_master_key
from tests.support.ingress import OCCURRED_AT, add_tenant_with_sources, line_signature, line_webhook
from tests.support.polling import until
from tests.support.worlds import World

pytestmark = [pytest.mark.kafka, pytest.mark.long]
UID = "U" + "5eca1af0" * 4
TEXT, NAME, CRM_NAME = "我想要一件藍色的羽絨外套", "陳被抹除", "Chen To-Be-Erased"
PHONE, EMAIL, OTHER_EMAIL, MEMBER = "+886977123456", "gone@planted.example", "also@planted.example", "ZQ-00451177"
VALUES = (UID, TEXT, NAME, CRM_NAME, PHONE, EMAIL, OTHER_EMAIL, MEMBER)
WEBHOOK = line_webhook(TEXT, uid=UID)
FILE = f"member_id,name,email,favourite\n{MEMBER},{CRM_NAME},{OTHER_EMAIL},blue\n".encode()
CLEANING = ("ANALYZE", "VACUUM (FULL)")  # statistics have values, too
# A snapshot is as old as the oldest transaction that writes anywhere on the server, which other tests use, too.
DELETED_ROWS_ARE_KEPT = (
    "SELECT pg_snapshot_xmin(pg_current_snapshot()) < $1::text::xid8 OR EXISTS (SELECT FROM pg_stat_activity "
    "WHERE datname = current_database() AND pid <> pg_backend_pid() AND age(backend_xmin) > age($1::text::xid8::xid))"
)
CONTACT = f"/v1/contacts/line/oa1/{UID}"
BROWSER = {"channel": "web", "account": "shop", "uid": "another"}
NAMED = {"channel": "line", "account": "oa1", "uid": "U" + "1" * 32}


@dataclass
class Service:
    """The whole HTTP service on the world's servers, and a key that may do everything."""

    client: httpx.AsyncClient
    key: str

    async def ask(self, method: str, path: str, content: Any = None, **params: Any) -> Any:
        """The answer to a request that is accepted."""
        body = content if isinstance(content, bytes | None) else orjson.dumps(content)
        headers = {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"}
        answer = await self.client.request(method, path, content=body, headers=headers, params=params)
        assert answer.is_success, answer.text
        return answer.json()

    async def message(self, body: bytes) -> None:
        """A webhook of LINE's."""
        answer = await self.client.post("/webhooks/line/shop-line", content=body, headers=line_signature(body))
        assert answer.status_code == 200, answer.text

    async def is_known(self, path: str = CONTACT) -> bool:
        """Whether readers see the contact, or another object."""
        answer = await self.client.get(path, headers={"Authorization": f"Bearer {self.key}"})
        assert answer.status_code in {200, 404}, answer.text
        return answer.status_code == 200

    async def ended(self, path: str, *, world: World) -> Any:
        """What is at the path, once it says that it has ended."""
        found: Any = None

        async def has_ended() -> bool:
            nonlocal found
            found = await self.ask("GET", path)
            run = found["runs"][0] if "runs" in found else found
            assert run["state"] != "failed", found
            return bool(run["state"] == "done")

        await until(has_ended, 240, lambda: f"{path} does not end: {found}\n{world.output}")
        return found

    async def imported(self, world: World) -> None:
        """Import the file, from its upload to its end."""
        upload = (await self.ask("POST", "/v1/imports", FILE, kind="customers"))["id"]
        await self.ended(f"/v1/imports/{upload}", world=world)
        await self.ask("POST", f"/v1/imports/{upload}/run")
        await self.ended(f"/v1/imports/{upload}", world=world)


@pytest.fixture
async def service(world: World) -> AsyncIterator[Service]:
    """The service, and a worker, of a log that is sealed from its first record."""
    file = world.home / "master.keys"
    file.write_text(new_master_key())
    world.settings = world.settings.model_copy(update={"master_key_file": file, "ack_timeout": 60.0})
    async with open_engine(world.settings.database_url) as engine:
        await add_tenant_with_sources(engine)
        key = await add_key(engine, "acme", ["admin"])
    world.start_worker()
    app = create_app(world.settings)
    transport = httpx.ASGITransport(app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://all") as asking,
    ):

        async def ready() -> bool:
            return (await asking.get("/readyz")).status_code == 200

        await until(ready, 240, "the service is not ready")
        yield Service(asking, key)


async def planted(service: Service, world: World) -> None:
    """Have the person's values come by a webhook, by the API, and in a file; and leave by an export that names them."""
    await service.message(WEBHOOK)
    identifiers = [{"type": kind, "value": value} for kind, value in (("phone", PHONE), ("email", EMAIL))]
    said = (
        ("profile.updated", {"display_name": NAME}),
        ("identity.bound", {"identifiers": [*identifiers, {"type": "member_id", "value": MEMBER}], "via": "api"}),
    )
    contact = {"channel": "line", "account": "oa1", "uid": UID}
    events = [
        {"event_id": kind, "type": kind, "contact": contact, "occurred_at": OCCURRED_AT, "data": data}
        for kind, data in said
    ]
    await service.ask("POST", "/v1/events", events)
    await service.imported(world)
    order = {"filter": {"member_id": MEMBER}, "columns": ["name", "email"], "format": "csv"}

    async def is_found() -> bool:
        return bool((await service.ask("POST", "/v1/exports/preview", order))["rows"] == 1)

    await until(is_found, 240, lambda: world.output)
    export = await service.ask("POST", "/v1/exports", order)
    await service.ended(f"/v1/jobs/{export['job']['id']}", world=world)


async def erased(service: Service, world: World) -> Any:
    """Erase the customer; the erasure with its receipt."""
    path = f"/v1/customers/member:{MEMBER}/erase"
    preview = await service.ask("POST", f"{path}/preview")
    assert preview["contacts"] == [f"crm:crm:{MEMBER}", f"line:oa1:{UID}"]
    started = await service.ask("POST", path, {"token": preview["token"]})
    return await service.ended(f"/v1/erasures/{started['id']}", world=world)


async def one_is_erased_whom_another_names(service: Service, world: World) -> None:
    """A browser was bound to a contact for a while; then the contact is erased."""
    events = [
        {
            "event_id": kind,
            "type": kind,
            "contact": BROWSER,
            "occurred_at": OCCURRED_AT + later,
            "data": {"linked_contact": NAMED, "via": "site_button"},
        }
        for later, kind in enumerate(("identity.bound", "identity.unbound"))
    ]
    followed = {"type": "contact.followed", "contact": NAMED, "occurred_at": OCCURRED_AT, "data": {}}
    await service.ask("POST", "/v1/events", [followed, *events])
    await world.settle()
    path = "/v1/contacts/{channel}/{account}/{uid}/erase".format(**NAMED)
    preview = await service.ask("POST", f"{path}/preview")
    started = await service.ask("POST", path, {"token": preview["token"]})
    done = await service.ended(f"/v1/erasures/{started['id']}", world=world)
    assert "events_of_others" not in done["receipt"]["remains"]
    assert done["receipt"]["removed"]["events_of_others"] == 2


async def found_in_files(world: World, *before: str) -> str:
    """What `onefold verify --erased` finds in the servers' files, after these statements and a checkpoint."""
    async with world.connection() as connection:
        latest = await connection.fetchval("SELECT pg_current_xact_id()::text")

        async def nobody_sees_deleted_rows() -> bool:
            return not await connection.fetchval(DELETED_ROWS_ARE_KEPT, latest)

        await until(nobody_sees_deleted_rows, 240, "a transaction goes on that deleted rows are kept for")
        for statement in (*before, "CHECKPOINT"):
            await connection.execute(statement)
        folder = Path(await connection.fetchval("SHOW data_directory"))
        database = await connection.fetchval("SELECT oid FROM pg_database WHERE datname = current_database()")
    values = world.home / "values.txt"
    values.write_text("\n".join(VALUES), encoding="utf-8")
    folders = [folder / "base" / str(database), *world.partition_folders()]
    status, output = await world.command(
        "verify", "--erased", str(values), *(part for one in folders for part in ("--in", str(one)))
    )
    values.unlink()
    assert status == 0 or ".log" in output or "base" in output, output
    return "" if status == 0 else output


async def test_nothing_of_an_erased_person_is_left_or_comes_back_until_the_person_does(
    service: Service, world: World
) -> None:
    await planted(service, world)
    assert await found_in_files(world)  # the search would find them
    done = await erased(service, world)
    receipt = done["receipt"]
    key = Ed25519PublicKey.from_public_bytes(b64decode(done["public_key"]))
    key.verify(b64decode(done["signature"]), orjson.dumps(receipt, option=orjson.OPT_SORT_KEYS))
    assert (receipt["contacts"], receipt["removed"]["log_keys"], receipt["removed"]["filters"]) == (2, 2, 1)
    assert not {"unsealed_log_records", "unsent_changes"} & set(receipt["remains"])
    assert not await service.is_known()
    assert await found_in_files(world, *CLEANING) == ""

    await service.message(WEBHOOK)
    await world.settle()
    assert not await service.is_known()
    assert await found_in_files(world, *CLEANING) == ""

    await service.imported(world)
    await world.settle()
    for command in (("verify",), ("rebuild", "--workers", "1", "--share", "100%", "--swap"), ("verify",)):
        status, output = await world.command(*command)
        assert status == 0, output
        assert not await service.is_known()
        assert not await service.is_known(f"/v1/customers/member:{MEMBER}")

    await service.message(WEBHOOK.replace(b"01HZ", b"01JD").replace(str(OCCURRED_AT).encode(), str(2**41).encode()))
    await until(service.is_known, 240, lambda: world.output)
    anew = await service.ask("GET", CONTACT)
    assert anew["profile"]["display_name"] is None
    customer = await service.ask("GET", f"/v1/customers/contact:line:oa1:{UID}")
    assert (customer["member_id"], customer["phone"], UUID(customer["id"]).version) == (None, None, 8)

    await one_is_erased_whom_another_names(service, world)
    status, output = await world.command("verify", "--json")
    assert (status, '"name_erased":0' in output) == (0, True), output

    status, output = await world.command("rebuild", "--workers", "1", "--share", "100%", "--swap")
    assert status == 0, output
    assert "Rows without a name that they had" not in output
    assert "is the active generation now" in output
    status, output = await world.command("verify", "--json")
    assert (status, '"name_erased":0' in output) == (0, True), output
