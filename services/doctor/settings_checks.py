"""Checks of the settings. Values of secrets are never shown, only whether they are there and long enough."""

import resource
from collections.abc import Iterator, Mapping
from typing import Final

from services.doctor.finding import Area, CheckResult
from services.runtime.settings import Settings
from services.vault.master_keys import BadMasterKeys, read_master_keys

AREA: Final = Area("settings")
_LEAST_KEY: Final = 16  # characters
_PREFIX: Final = "ONEFOLD_"
# Read by commands, not by processes.
_OTHERS: Final = {"ONEFOLD_KEY", "ONEFOLD_URL", "ONEFOLD_WORKER_URL", "ONEFOLD_TEST_SERVERS"}


def check_settings(settings: Settings, environment: Mapping[str, str]) -> Iterator[CheckResult]:
    """Whether what every process needs is set, and whether names are spelled right."""
    needed = {"ONEFOLD_KAFKA": settings.kafka, "ONEFOLD_DATABASE": settings.database}
    for name, value in needed.items():
        if value:
            yield AREA.ok(name, "set")
        else:
            yield AREA.failed(name, "not set", "set it for every process; `onefold up` sets it for those it starts")
    yield _secret_key(settings)
    yield _master_keys(settings)
    yield _unknown_names(environment)
    yield _public_url(settings)
    yield _open_files(settings)


def _secret_key(settings: Settings) -> CheckResult:
    key = settings.secret_key.get_secret_value() if settings.secret_key else ""
    if not key:
        return AREA.failed("ONEFOLD_SECRET_KEY", "not set", "set the key that this installation was begun with")
    if len(key) < _LEAST_KEY:
        advice = "a key of an installation with data can't be changed; begin new ones with 32 random characters"
        return AREA.warning("ONEFOLD_SECRET_KEY", f"it has only {len(key)} characters", advice)
    return AREA.ok("ONEFOLD_SECRET_KEY", "set")


def _master_keys(settings: Settings) -> CheckResult:
    name = "ONEFOLD_MASTER_KEY_FILE"
    if settings.master_key_file is None:
        found = "not set, so personal data in the log are not sealed, and stay there when a person is erased"
        return AREA.warning(name, found, "see docs/erasure.md; the keys must be kept as well as the log")
    try:
        number = len(read_master_keys(settings.master_key_file))
    except BadMasterKeys as error:
        return AREA.failed(name, str(error), "restore the file: without it what was sealed can't be read")
    return AREA.ok(name, f"{number} keys; the first one seals")


def _unknown_names(environment: Mapping[str, str]) -> CheckResult:
    known = {f"{_PREFIX}{name}".upper() for name in Settings.model_fields} | _OTHERS
    unknown = sorted(name for name in environment if name.startswith(_PREFIX) and name not in known)
    if unknown:
        return AREA.warning(
            "names", f"no setting is called {', '.join(unknown)}", "see `onefold settings` for the names"
        )
    return AREA.ok("names", "every variable is a setting")


def _public_url(settings: Settings) -> CheckResult:
    if settings.public_url is None:
        return AREA.warning("ONEFOLD_PUBLIC_URL", "not set", "set it, so that printed webhook URLs are complete")
    if not settings.public_url.startswith("https:"):
        advice = "channels send webhooks to https only: put TLS in front and set the address that it has"
        return AREA.warning("ONEFOLD_PUBLIC_URL", "it is not https", advice)
    return AREA.ok("ONEFOLD_PUBLIC_URL", "https")


def _open_files(settings: Settings) -> CheckResult:
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = settings.connections * 4 // 3
    if limit < wanted:
        advice = f"raise the limit of open files (`ulimit -n {wanted}`), or lower ONEFOLD_CONNECTIONS"
        return AREA.warning(
            "open files", f"{limit:,} here; {settings.connections:,} connections need {wanted:,}", advice
        )
    return AREA.ok("open files", f"{limit:,} here")
