"""``onefold verify --erased``: whether values are still in the files of the servers."""

import sys
from collections.abc import Sequence
from pathlib import Path

import orjson

from services.runtime.terminal import fail, say, show
from services.verify.stored_bytes import ByteSearch, SearchedFiles, search_files


def run(values: Path, folders: Sequence[Path], *, as_json: bool) -> int:
    """Search and print what was found; 0 if nothing was and every file could be read, else 1."""
    try:
        search = ByteSearch(values.read_text("utf-8-sig"))
    except (OSError, UnicodeDecodeError):
        fail(f"{values} can't be read as UTF-8 text")
    except ValueError as error:
        fail(str(error))
    missing = [folder for folder in folders if not folder.is_dir()]
    if missing:
        fail(f"there is no folder {missing[0]}; name those of PostgreSQL and Kafka with --in")
    result = search_files(search, folders, leave_out=values)
    if as_json:
        sys.stdout.write(orjson.dumps(_as_dict(search, result)).decode() + "\n")
    else:
        _show(search, result)
    return 1 if result.found or result.unread else 0


def _as_dict(search: ByteSearch, result: SearchedFiles) -> dict[str, object]:
    return {
        "values": search.values,
        "files": result.files,
        "bytes": result.size,
        "found": [{"path": str(one.path), "line": one.line, "times": one.times} for one in result.found],
        "unread": [str(path) for path in result.unread],
    }


def _show(search: ByteSearch, result: SearchedFiles) -> None:
    if result.found:
        show(("line", "times", "file"), ((str(one.line), str(one.times), str(one.path)) for one in result.found))
    for path in result.unread:
        say(f"{path} could not be read.")
    say(f"Searched {result.files} files of {result.size} bytes for {search.values} values.")
