"""The tree's layout: tests share helpers by `tests.support` alone, and a type's name has one meaning."""

import ast
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

_ROOT: Final = Path(__file__).parents[2]
_FILES: Final = sorted(path for folder in ("tests", "benchmarks") for path in (_ROOT / folder).rglob("*.py"))
_PRODUCT: Final = ("schemas", "projections", "services", "benchmarks")
_SOURCES: Final = sorted(path for folder in _PRODUCT for path in (_ROOT / folder).rglob("*.py"))


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


def type_names(module: ast.Module) -> list[str]:
    """The public classes and type aliases that a module defines at its top: names in CamelCase."""
    classes = [node.name for node in module.body if isinstance(node, ast.ClassDef)]
    targets = [target for node in module.body if isinstance(node, ast.Assign) for target in node.targets]
    assigned = [target.id for target in targets if isinstance(target, ast.Name)]
    return [name for name in (*classes, *assigned) if name[0].isupper() and not name.isupper()]


def defined_twice(sources: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    """The type names that several of the (file, text) define, with the files."""
    files: dict[str, list[str]] = defaultdict(list)
    for file, text in sources:
        for name in type_names(ast.parse(text)):
            files[name].append(file)
    return {name: found for name, found in files.items() if len(found) > 1}


def test_no_type_name_is_defined_in_two_files() -> None:
    assert defined_twice((str(path.relative_to(_ROOT)), path.read_text()) for path in _SOURCES) == {}


def test_a_planted_second_definition_is_found() -> None:
    one, other = "class Change:\n    pass", "LIMIT = 1\nChange = tuple[int, str]\n_Own = int"
    assert defined_twice([("a.py", one), ("b.py", other), ("c.py", "_Own = str\nLIMIT = 2")]) == {
        "Change": ["a.py", "b.py"]
    }
