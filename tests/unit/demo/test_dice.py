"""Activity follows the day and the week."""

from services.demo.dice import DAY, HOUR, Dice, activity

MIDNIGHT_IN_TAIPEI = 1_790_006_400_000 - 1_790_006_400_000 % DAY - 8 * HOUR


def test_the_night_is_quiet_and_the_evening_is_not() -> None:
    assert activity(MIDNIGHT_IN_TAIPEI + 21 * HOUR) > 10 * activity(MIDNIGHT_IN_TAIPEI + 3 * HOUR)


def test_the_weekend_begins_on_friday() -> None:
    monday = MIDNIGHT_IN_TAIPEI - (MIDNIGHT_IN_TAIPEI // DAY + 1 + 3) % 7 * DAY
    evenings = [activity(monday + day * DAY + 21 * HOUR) for day in range(7)]
    assert max(evenings[:4]) < min(evenings[4:])


def test_random_times_lie_in_their_span_however_short() -> None:
    dice = Dice(1)
    assert all(0 <= dice.time_between(0, DAY) <= DAY for _ in range(200))
    assert dice.time_between(5, 5) == 5
    assert dice.time_between(5, 3) == 5
    assert dice.time_after(5, HOUR) > 5
