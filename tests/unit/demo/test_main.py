"""What people read when the year was sent."""

from services.demo.main import welcome

LINK = "http://127.0.0.1:8080/console/link/" + "s" * 43


def test_the_demo_opens_on_the_console_and_says_how_to_end_it() -> None:
    lines = [line.strip() for line in welcome("http://127.0.0.1:8080", LINK).splitlines()]
    assert LINK in lines, "an address to copy stands alone"
    assert lines[-1] == "Onefold stays up at http://127.0.0.1:8080; Ctrl-C ends it."
