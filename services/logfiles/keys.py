"""Whether the keys of sealed records are there: the files have the records alone."""

from itertools import islice
from pathlib import Path
from typing import Final

from schemas.sealing import is_sealed
from schemas.topics import CHANNEL_EVENTS
from services.logfiles.folder import records_of
from services.logfiles.manifest import Manifest
from services.runtime.settings import Settings
from services.vault.records import Keyed, KeysNotSet, open_log_sealing

_OF_A_FILE: Final = 20  # records that are looked at
_FILES: Final = 50


async def missing_keys(settings: Settings, folder: Path, manifest: Manifest) -> str | None:
    """A sentence that says which keys to restore; None if the first sealed records of the files can be opened.

    Records whose keys were destroyed count as opened. Raises BadMasterKeys, and what PostgreSQL raises.
    """
    sealed = _first_sealed(folder, manifest)
    if not sealed:
        return None
    try:
        async with open_log_sealing(settings, name="onefold-log") as sealing:
            opened = await sealing.opened_values(sealed)
    except KeysNotSet:
        return "The records are sealed, and ONEFOLD_MASTER_KEY_FILE is not set. Set it before you start the workers."
    closed = sum(value is not None and is_sealed(value) for value in opened)
    if not closed:
        return None
    return (
        f"The records are sealed, and this database does not have the keys of {closed} of the {len(sealed)} that were "
        "looked at. Restore the schema onefold_keys before you start the workers: they take what they can't open for "
        "dead letters."
    )


def _first_sealed(folder: Path, manifest: Manifest) -> list[Keyed]:
    topic = manifest.topics.get(CHANNEL_EVENTS.name)
    files = [one for part in topic.partitions.values() for one in part.files] if topic else []
    first = [record for one in files[:_FILES] for record in islice(records_of(folder, one), _OF_A_FILE)]
    return [(one.key, one.value) for one in first if is_sealed(one.value)]
