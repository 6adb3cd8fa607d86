"""Tests share helpers by `tests.support` alone: a test module or another folder's conftest is nobody's library."""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Final

_ROOT: Final = Path(__file__).parents[2]
_FILES: Final = sorted(path for folder in ("tests", "benchmarks") for path in (_ROOT / folder).rglob("*.py"))


def imports(path: Path) -> Iterator[str]:
    """The modules that a file imports, with the names it takes from them, dotted."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            yield node.module
            yield from (f"{node.module}.{name.name}" for name in node.names)


def is_foreign(module: str, folder: str) -> bool:
    """Whether it is a test module, or the conftest of a folder other than ``folder``."""
    package, _, name = module.rpartition(".")
    if not module.startswith("tests."):
        return False
    if name == "conftest":
        return package != folder
    return name.startswith("test_") and (_ROOT / f"{module.replace('.', '/')}.py").exists()


def foreign_imports(path: Path) -> list[str]:
    folder = ".".join(path.relative_to(_ROOT).parent.parts)
    return [module for module in imports(path) if is_foreign(module, folder)]


def test_no_file_imports_a_test_module_or_another_folders_conftest() -> None:
    found = {str(path.relative_to(_ROOT)): modules for path in _FILES if (modules := foreign_imports(path))}
    assert found == {}


def test_a_planted_import_is_found() -> None:
    assert is_foreign("tests.unit.test_layout", "tests.unit")
    assert is_foreign("tests.browser.conftest", "tests.unit")
    assert not is_foreign("tests.unit.conftest", "tests.unit")
    assert not is_foreign("tests.support.clock", "tests.unit")
