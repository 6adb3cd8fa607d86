"""Requests of Meta to have a person's data deleted, for those who answer them."""

from typing import Final, NamedTuple

from services.control import deletions
from services.control.deletions import Deletion
from services.control.erasures import has_erasure
from services.control.errors import UnknownDeletion
from services.query.core.errors import NotFound
from services.runtime.database import Engine

_MOST: Final = 100  # requests that are listed
_NO_REQUEST: Final = "There is no such request."


class DeletionView(NamedTuple):
    """A request; ``subject`` is the id by which Meta's app knows the person, None once it is closed.

    ``answered`` says that an erasure answers it, which closes it in the end.
    """

    request: Deletion
    subject: str | None
    answered: bool


class DeletionRequests:
    """Shows a tenant's requests and closes them. ``master`` is the master key."""

    def __init__(self, engine: Engine, master: str) -> None:
        self._engine = engine
        self._master = master

    async def open_ones(self, tenant: str) -> list[Deletion]:
        """The open requests, the oldest first; no more than are looked at together."""
        return await deletions.list_deletions(self._engine, tenant, limit=_MOST)

    async def request(self, tenant: str, code: str) -> DeletionView:
        """One request of the tenant. Raises NotFound, and WrongMasterKey."""
        found = await deletions.find_deletion(self._engine, code)
        if found is None or found.tenant != tenant:
            raise NotFound(_NO_REQUEST)
        answered = await has_erasure(self._engine, code)
        return DeletionView(found, deletions.opened_subject(self._master, found), answered)

    async def close(self, tenant: str, code: str, *, refused_because: str | None) -> None:
        """Close it as done, or as refused for a reason, unless it is closed already. Raises NotFound."""
        await self.request(tenant, code)
        try:
            await deletions.close_deletion(self._engine, code, refused_because=refused_because)
        except UnknownDeletion:
            return  # somebody was faster
