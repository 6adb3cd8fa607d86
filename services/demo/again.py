"""When a life ends: kept beside the data, so that a second demo on the same data tells the very same story."""

import json
from pathlib import Path

_NAME = "demo.json"


def end_of_life(data_dir: Path, story: str, now_ms: int) -> int:
    """The ``until_ms`` of the first demo of this story on these data; ``now_ms`` if this is it."""
    path = data_dir / _NAME
    known = _read(path)
    if story not in known:
        data_dir.mkdir(parents=True, exist_ok=True)
        known[story] = now_ms
        path.write_text(json.dumps(known, indent=1) + "\n")
    return known[story]


def _read(path: Path) -> dict[str, int]:
    try:
        known = json.loads(path.read_text())
    except (FileNotFoundError, json.JSONDecodeError):
        return {}
    return {str(story): int(until) for story, until in known.items()} if isinstance(known, dict) else {}
