"""Jobs over HTTP: a tenant sees its own, cancels them, and downloads files piece by piece."""

from base64 import b64encode
from hashlib import sha256
from typing import Any
from uuid import uuid4

import httpx

from services.control import job_leases
from services.control.job_files import PART, FileCutter
from services.control.job_leases import MadeFile, WorkDone
from services.control.jobs import Job, add_job
from services.control.keys import add_key
from tests.support.read_api import Brand

CONTENT = b"".join(b"%07d\n" % number for number in range(PART // 4))  # two parts


async def waiting(brand: Brand, tenant: str = "demo", **parameters: Any) -> Job:
    return await add_job(brand.engine, tenant, "count", parameters, total=2, requested_by="a test")


async def with_file(brand: Brand, content: bytes = CONTENT) -> Job:
    await waiting(brand)
    job = await job_leases.take_job(brand.engine, ["count"], 3600, 9)
    assert job is not None
    cutter = FileCutter()
    parts = cutter.write(content)
    made = MadeFile("顧客.csv", "text/csv", cutter.size, cutter.sha256, 7)
    await job_leases.finish_job(brand.engine, job, WorkDone(2, 2), parts + cutter.rest(), made)
    return job


async def ask(brand: Brand, method: str, path: str, key: str = "demo", **headers: str) -> httpx.Response:
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    authorization = {"Authorization": f"Bearer {brand.keys[key]}"}
    return await brand.client.request(method, path, headers=authorization | headers)


async def test_a_tenant_sees_and_cancels_its_own_jobs(brand: Brand) -> None:
    jobs = [await waiting(brand) for _ in range(3)]
    await waiting(brand, "other")
    first = await brand.json("/v1/jobs", limit=2)
    then = await brand.json("/v1/jobs", limit=2, cursor=first["next"])
    assert [one["id"] for one in first["jobs"] + then["jobs"]] == [str(one.job_id) for one in reversed(jobs)]
    assert then["next"] is None
    path = f"/v1/jobs/{jobs[0].job_id}"
    shown = await brand.json(path)
    assert (shown["state"], shown["progress"], shown["requested_by"]) == ("waiting", {"done": 0, "total": 2}, "a test")
    for stranger in (await ask(brand, "GET", path, "other"), await ask(brand, "POST", f"{path}/cancel", "other")):
        assert stranger.status_code == 404
    assert (await ask(brand, "GET", f"{path}/file")).json()["type"] == "/problems/no-file-yet"
    cancelled = await ask(brand, "POST", f"{path}/cancel")
    assert (cancelled.status_code, cancelled.json()["state"]) == (200, "cancelled")
    assert (await ask(brand, "POST", f"{path}/cancel")).json() == cancelled.json()
    assert (await ask(brand, "GET", f"{path}/file")).status_code == 404
    assert (await ask(brand, "GET", f"/v1/jobs/{uuid4()}")).status_code == 404


async def test_a_job_is_cancelled_by_who_may_ask_for_its_kind(brand: Brand) -> None:
    export, write = "customers:export", "customers:write"
    for scope in (export, write):
        brand.keys[scope] = await add_key(brand.engine, "demo", ["customers:read", scope])
    for kind, scope, other in (("export", export, write), ("import", write, export), ("bulk_action", write, export)):
        job = await add_job(brand.engine, "demo", kind, {}, total=None, requested_by="a test")
        path = f"/v1/jobs/{job.job_id}/cancel"
        refused = await ask(brand, "POST", path, other)
        assert (refused.status_code, refused.json()["scope"]) == (403, scope)
        assert (await ask(brand, "POST", path, scope)).json()["state"] == "cancelled"


async def test_a_file_is_downloaded_whole_or_piece_by_piece(brand: Brand) -> None:
    job = await with_file(brand)
    path = f"/v1/jobs/{job.job_id}/file"
    assert (await brand.json(f"/v1/jobs/{job.job_id}"))["file"]["href"] == path
    whole = await ask(brand, "GET", path)
    assert (whole.status_code, whole.content) == (200, CONTENT)
    digest = sha256(CONTENT)
    assert whole.headers["repr-digest"] == f"sha-256=:{b64encode(digest.digest()).decode()}:"
    assert whole.headers["content-disposition"] == "attachment; filename*=UTF-8''%E9%A1%A7%E5%AE%A2.csv"
    tag = whole.headers["etag"]
    rest = await ask(brand, "GET", path, Range=f"bytes={PART - 3}-", If_Range=tag)
    assert (rest.status_code, rest.content) == (206, CONTENT[PART - 3 :])
    assert rest.headers["content-range"] == f"bytes {PART - 3}-{len(CONTENT) - 1}/{len(CONTENT)}"
    assert (await ask(brand, "GET", path, Range="bytes=0-1", If_Range='"another file"')).content == CONTENT
    assert (await ask(brand, "GET", path, If_None_Match=f'"x", {tag}')).status_code == 304
    beyond = await ask(brand, "GET", path, Range=f"bytes={len(CONTENT)}-")
    assert (beyond.status_code, beyond.headers["content-range"]) == (416, f"bytes */{len(CONTENT)}")
    assert (await ask(brand, "GET", path, "other")).status_code == 404


async def test_a_file_that_has_expired_is_gone(brand: Brand) -> None:
    job = await with_file(brand, b"abc")
    await brand.connection.execute("UPDATE onefold.jobs SET file_expires_at = now()")
    gone = await ask(brand, "GET", f"/v1/jobs/{job.job_id}/file")
    assert (gone.status_code, gone.json()["type"]) == (410, "/problems/file-gone")
    shown = (await brand.json(f"/v1/jobs/{job.job_id}"))["file"]
    assert (shown["name"], shown["bytes"], shown["href"]) == ("顧客.csv", 3, None)


async def test_the_headers_of_a_file_are_answered_without_reading_it(brand: Brand) -> None:
    job = await with_file(brand, CONTENT[:100])
    path = f"/v1/jobs/{job.job_id}/file"
    whole = await ask(brand, "GET", path)
    await brand.connection.execute("DELETE FROM onefold.job_files")
    async with httpx.AsyncClient(transport=httpx.ASGITransport(brand.app), base_url="http://test") as client:
        head = await client.head(path, headers={"Authorization": f"Bearer {brand.keys['demo']}"})
    assert (head.status_code, head.content) == (200, b"")
    each = [{name: value for name, value in one.headers.items() if name != "x-request-id"} for one in (head, whole)]
    assert each[0] == each[1]
