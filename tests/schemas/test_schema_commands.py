"""``onefold schemas export``: what an outside reader gets."""

import json
from pathlib import Path

import typer
from typer.testing import CliRunner

from schemas.export import export as documents
from services.runtime.schema_commands import export

APP = typer.Typer()
APP.command()(export)


def test_every_document_is_written_where_it_belongs(tmp_path: Path) -> None:
    target = tmp_path / "made" / "on demand"
    result = CliRunner().invoke(APP, [str(target)])
    assert result.exit_code == 0
    written = {path.relative_to(target).as_posix() for path in target.rglob("*.json")}
    assert written == set(documents("0"))
    assert f"{len(written)} documents" in result.output


def test_writing_again_changes_no_byte(tmp_path: Path) -> None:
    CliRunner().invoke(APP, [str(tmp_path)])
    first = {path: path.read_bytes() for path in tmp_path.rglob("*.json")}
    CliRunner().invoke(APP, [str(tmp_path)])
    assert {path: path.read_bytes() for path in tmp_path.rglob("*.json")} == first


def test_texts_are_readable_as_they_are(tmp_path: Path) -> None:
    CliRunner().invoke(APP, [str(tmp_path)])
    raw = (tmp_path / "event.schema.json").read_text(encoding="utf-8")
    assert "定期通知" in raw
    assert json.loads(raw)["oneOf"]


def test_a_file_in_the_way_is_a_clear_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    result = CliRunner().invoke(APP, [str(tmp_path / "file")])
    assert result.exit_code == 2
    assert "is a file" in " ".join(result.output.replace("│", " ").split())
