"""Checks of the processes' own readiness, where they can be reached from here."""

from collections.abc import Mapping
from typing import Final

import httpx

from services.doctor.finding import Area, CheckResult

AREA: Final = Area("processes")
_WITHIN: Final = 5.0  # seconds


async def check_process(name: str, url: str) -> CheckResult:
    """What ``/readyz`` at this address says."""
    try:
        async with httpx.AsyncClient(timeout=_WITHIN, trust_env=False) as client:
            answer = await client.get(f"{url.rstrip('/')}/readyz")
            checks: Mapping[str, str] = answer.json()["checks"]
    except httpx.HTTPError as error:
        return AREA.unknown(name, f"nothing answers at {url}: {type(error).__name__}", "run the doctor where it runs")
    except (ValueError, KeyError, TypeError):
        return AREA.unknown(name, f"what answers at {url} is not Onefold", "set ONEFOLD_PORT, or ONEFOLD_URL")
    wrong = [f"{check}: {said}" for check, said in checks.items() if said != "ok"]
    if wrong:
        return AREA.failed(name, f"{url} is not ready: {'; '.join(wrong)}", "see the log of that process")
    return AREA.ok(name, f"{url} is ready")
