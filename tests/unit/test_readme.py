from pathlib import Path

from services.runtime.settings_commands import described

README = Path(__file__).parents[2] / "README.md"


def test_the_readme_lists_every_setting_with_its_meaning() -> None:
    text = README.read_text(encoding="utf-8")
    for _, variable, meaning in described():
        assert f"| `{variable}` | {meaning.replace('|', '/')} |" in text
