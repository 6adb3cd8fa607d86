"""Another version of the code: a copy of this tree with a few texts replaced, whose commands run as processes."""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from services.embedded.ports import free_port
from services.embedded.service_processes import environment
from services.runtime.settings import Settings

_ROOT: Final = Path(__file__).parents[2]
# Compiled files are copied with their sources, whose times they hold, so that no process compiles all of them again;
# but not those that another process is about to write and rename.
_UNFINISHED: Final = shutil.ignore_patterns("*.pyc.*")
_COMMAND: Final = (sys.executable, "-c", "from services.cli import app; app()")


class OtherCode:
    """The copy. ``replaced`` gives, by the path of a file, the old and the new text, which must be there once."""

    def __init__(self, home: Path, replaced: Mapping[str, tuple[str, str]]) -> None:
        self.home = home / "other-code"
        for name in ("projections", "schemas", "services"):
            shutil.copytree(_ROOT / name, self.home / name, ignore=_UNFINISHED)
        shutil.copy(_ROOT / "pyproject.toml", self.home)
        for name, (old, new) in replaced.items():
            file = self.home / name
            text = file.read_text()
            assert text.count(old) == 1, f"{name} has not {old!r} once"
            file.write_text(text.replace(old, new))

    @property
    def environment(self) -> dict[str, str]:
        """What has Python import this copy."""
        return {"PYTHONPATH": str(self.home), "PYTHONSAFEPATH": "1"}

    def start(self, settings: Settings, log: Path, *arguments: str) -> subprocess.Popen[bytes]:
        """Start a command; its output goes to the log."""
        changed = settings.model_copy(update={"worker_port": free_port()})
        env = {**os.environ, **environment(changed), **self.environment}
        with log.open("ab") as output:
            return subprocess.Popen(
                [*_COMMAND, *arguments], cwd=self.home, env=env, stdout=output, stderr=subprocess.STDOUT
            )
