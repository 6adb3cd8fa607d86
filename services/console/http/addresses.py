"""All pages as one route: a request of the API is not compared with each page, nor a page's with each of the API's."""

from collections.abc import Sequence
from typing import Final

from starlette.routing import BaseRoute, Match
from starlette.types import Receive, Scope, Send

from services.console.http.pages import PageRoute

_CONSOLE: Final = "/console"
_FOLDER: Final = 2  # in a path that is split at its slashes, what stands after ``/console/``


class Pages(BaseRoute):
    """Finds a page among those of the same folder. Of several that fit, the one that was given first counts."""

    def __init__(self, pages: Sequence[PageRoute]) -> None:
        folders = {_folder_of(page.path) for page in pages}
        self._anywhere = [page for page in pages if "{" in _folder_of(page.path)]
        self._by_folder = {
            folder: [page for page in pages if page in self._anywhere or _folder_of(page.path) == folder]
            for folder in folders
        }

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Match a request whose path is of a page; the page is in the scope, as ``route``."""
        path: str = scope["path"]
        if scope["type"] != "http" or not path.startswith(_CONSOLE):
            return Match.NONE, {}
        other: tuple[Match, Scope] = Match.NONE, {}
        for page in self._by_folder.get(_folder_of(path), self._anywhere):
            match, found = page.matches(scope)
            if match is Match.FULL:
                return match, found
            if other[0] is Match.NONE:
                other = match, found
        return other

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer with the page that was found."""
        await scope["route"].handle(scope, receive, send)


def _folder_of(path: str) -> str:
    parts = path.split("/", _FOLDER + 1)
    return parts[_FOLDER] if len(parts) > _FOLDER else ""
