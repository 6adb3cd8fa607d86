from services.console.http.sessions import SignedInSessions
from services.control.console_sessions import ConsoleSession


def session(secret: str) -> ConsoleSession:
    return ConsoleSession(secret.encode(), "demo", "Demo", "TW", frozenset({"admin"}), "console", "admin", "link:admin")


async def test_a_session_is_looked_up_once_and_is_over_once_it_is_forgotten() -> None:
    open_ones, looked = {"a": session("a")}, list[str]()

    async def find(secret: str) -> ConsoleSession | None:
        looked.append(secret)
        return open_ones.get(secret)

    sessions = SignedInSessions(find)
    assert [await sessions.find("a"), await sessions.find("a")] == [session("a")] * 2
    assert looked == ["a"]
    open_ones.clear()
    sessions.forget()
    assert await sessions.find("a") is None


async def test_a_text_too_long_to_be_a_secret_is_not_kept() -> None:
    async def find(secret: str) -> ConsoleSession | None:
        raise AssertionError(secret)

    assert await SignedInSessions(find).find("x" * 129) is None
