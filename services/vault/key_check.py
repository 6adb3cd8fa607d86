"""Whether a process's master keys open the keys of the log: else it can't read, and must not write, what is sealed."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from projections.engine.connection import Connection
from services.runtime.http import NotReady
from services.vault import store
from services.vault.master_keys import BadMasterKeys, read_master_keys
from services.vault.wrapping import WrongMasterKeys, unwrapped_tenant_key

_MOST: Final = 1000  # tenants that are looked at
_UNSET: Final = "the log has sealed records, and ONEFOLD_MASTER_KEY_FILE is not set: restore the file, and set it"
_WRONG: Final = (
    "ONEFOLD_MASTER_KEY_FILE does not have the master key that the log's keys are under: restore its lines; if it has "
    "all of them, a stored key was damaged: restore the schema onefold_keys from its backup"
)


class MasterKeyCheck:
    """A readiness check. The file is read once, as the process does that seals with it."""

    def __init__(self, file: Path | None) -> None:
        self._file = file
        self._master_keys: tuple[bytes, ...] = ()
        self._opened: set[bytes] = set()  # keys of tenants that were opened, as they are stored

    async def check(self, connection: Connection) -> None:
        """Raises NotReady with what to do, and what PostgreSQL raises."""
        self.require_opened(await store.some_tenant_keys(connection, _MOST))

    def require_opened(self, wrapped: Mapping[str, bytes]) -> None:
        """Raises NotReady if a key of a tenant, given as it is stored, can't be opened."""
        if self._file is None:
            if wrapped:
                raise NotReady(_UNSET)
            return
        try:
            self._master_keys = self._master_keys or read_master_keys(self._file)
            for tenant, one in wrapped.items():
                if one not in self._opened:
                    unwrapped_tenant_key(tenant, one, self._master_keys)
                    self._opened.add(one)
        except BadMasterKeys as error:
            raise NotReady(str(error)) from None
        except WrongMasterKeys:
            raise NotReady(_WRONG) from None
