"""What people read when everything is up."""

from types import SimpleNamespace
from typing import Any

from services.embedded import supervisor
from services.runtime.settings import Settings

LINK = "http://127.0.0.1:8080/console/link/" + "s" * 43


def test_up_shows_first_where_to_sign_in_whole_on_one_line(tmp_path: Any) -> None:
    stack: Any = SimpleNamespace(
        url="http://127.0.0.1:8080",
        worker_urls=["http://127.0.0.1:8081", "http://127.0.0.1:20001"],
        key="of_key",
        kafka="127.0.0.1:9092",
        broker_name="Kafka",
        database="postgresql://onefold@127.0.0.1/onefold",
        settings=Settings(data_dir=tmp_path),
        sign_in_address=lambda: LINK,
    )
    title, first, *rest = supervisor.welcome(stack).splitlines()
    assert (title, first.split()[-1]) == ("Onefold is up", LINK)
    assert [line.split()[-1] for line in rest if " Worker " in line] == [f"{url}/metrics" for url in stack.worker_urls]
