"""Checks of the processes' own readiness, where they can be reached from here."""

from collections.abc import Mapping
from typing import Final

import httpx

from services.doctor.finding import Area, CheckResult

AREA: Final = Area("processes")
_WITHIN: Final = 5.0  # seconds


async def check_process(name: str, url: str, variable: str) -> CheckResult:
    """What ``/readyz`` at this address says; ``variable`` is the one that sets the address."""
    try:
        async with httpx.AsyncClient(timeout=_WITHIN, trust_env=False) as client:
            answer = await client.get(f"{url.rstrip('/')}/readyz")
            checks: Mapping[str, str] = answer.json()["checks"]
    except (httpx.InvalidURL, httpx.UnsupportedProtocol):
        return AREA.unknown(name, f"{url} is no address", f"write it as http://HOST:PORT in {variable}")
    except httpx.TimeoutException:
        return AREA.unknown(name, f"{url} does not answer within {_WITHIN:.0f} s", "see the log of that process")
    except httpx.HTTPError:
        advice = f"start it, or run the doctor where it runs, or set {variable}"
        return AREA.unknown(name, f"nothing answers at {url}", advice)
    except (ValueError, KeyError, TypeError):
        return AREA.unknown(name, f"what answers at {url} is not Onefold", f"set {variable}")
    wrong = [f"{check}: {said}" for check, said in checks.items() if said != "ok"]
    if wrong:
        return AREA.failed(name, f"{url} is not ready: {'; '.join(wrong)}", "see the log of that process")
    return AREA.ok(name, f"{url} is ready")
