"""Figures are those that anybody would work out from the rows one by one, however they are read."""

import random
from datetime import datetime, timedelta
from statistics import fmean, median

from sqlalchemy import insert

from safelight.cases.draft import Route
from safelight.cases.figures import RouteFigures
from safelight.cases.model import Outcome
from safelight.core.clock import to_rfc3339
from safelight.store.cases_tables import cases
from tests.cases.house import START, House

_COUNT = 400
_LATE_H = 60.0


def row(number: int, dice: random.Random) -> dict[str, object]:
    """A case somewhere on its way: what happens later happens only after what comes before it."""
    received = START - timedelta(hours=dice.uniform(0, 90))
    names = ("first_look_at", "hidden_at", "removed_at", "decided_at", "confirmed_at")
    hours = sorted(dice.uniform(0, _LATE_H) for _ in names)
    reached = dice.randrange(6)
    named = dict(zip(names, hours, strict=True))
    moments = {
        name: to_rfc3339(received + timedelta(hours=after)) if at < reached else None
        for at, (name, after) in enumerate(named.items())
    }
    is_decided = moments["decided_at"] is not None
    state = "decided" if is_decided else dice.choice(["open", "withdrawn"])
    if is_decided and dice.random() < 0.1:
        state = "contested"
    return {
        "id": f"case_{number:026d}",
        "number": number + 1,
        "kind": dice.choice(["image", "image", "account"]),
        "matter": "intimate",
        "route": dice.choice([Route.PAGE, Route.COPYRIGHT]).value,
        "state": state,
        "visibility": "visible",
        "law": "uk_osa_s10",
        "received_at": to_rfc3339(received),
        "due_at": to_rfc3339(received),
        "rank_at": to_rfc3339(received),
        "is_waiting": False,
        "in_danger": False,
        "is_flood": False,
        "is_known": False,
        "reports": 1,
        "places": 1,
        "views": 0,
        "held_by": "",
        **moments,
        "outcome": dice.choice(["remove", "keep"]) if is_decided else None,
        "was_contested": is_decided and dice.random() < 0.5,
        "was_overturned": dice.random() < 0.5,
        "is_breached": dice.random() < 0.1,
        "version": 1,
    }


def seconds(rows: list[dict[str, object]], name: str) -> list[float]:
    def after(one: dict[str, object]) -> float:
        return (datetime_of(one[name]) - datetime_of(one["received_at"])).total_seconds()

    return sorted(after(one) for one in rows if one[name])


def datetime_of(text: object) -> datetime:
    return datetime.fromisoformat(str(text))


def holds(found: RouteFigures, rows: list[dict[str, object]]) -> None:
    """`found` is what `rows` come to, one by one."""
    assert found.cases == len(rows)
    for times, name in (
        (found.first_look, "first_look_at"),
        (found.hiding, "hidden_at"),
        (found.removal, "removed_at"),
        (found.gone, "confirmed_at"),
    ):
        took = seconds(rows, name)
        assert (times.count, times.mean_s, times.median_s) == (len(took), fmean(took), median(took))
        assert sum(one <= times.p85_s for one in took) >= 0.85 * len(took)  # type: ignore[operator]
        assert times.p95_s in took
    in_time = late = 0
    for one in rows:
        ends = seconds([one], "confirmed_at")
        ends += seconds([one], "decided_at") if one["outcome"] == "keep" else []
        if ends and min(ends) <= 48 * 3600:
            in_time += 1
        elif ends or datetime_of(one["received_at"]) < START - timedelta(hours=48):
            late += one["state"] != "withdrawn"
    assert found.within_48_h == in_time / (in_time + late)


def test_figures_are_those_of_the_rows_one_by_one(home: House) -> None:
    dice = random.Random(7)
    rows = [row(number, dice) for number in range(_COUNT)]
    home.sql(lambda c: c.execute(insert(cases), rows).close())
    since = START - timedelta(hours=80)
    found = home.run(home.cases.figures(since, START))
    inside = [one for one in rows if datetime_of(one["received_at"]) >= since]
    images = [one for one in inside if one["kind"] == "image"]
    assert 0 < len(images) < len(inside) < _COUNT
    holds(found.all, images)
    assert set(found.by_route) == {Route.PAGE, Route.COPYRIGHT}
    for route, figures in found.by_route.items():
        holds(figures, [one for one in images if one["route"] == route])
    assert found.by_outcome[Outcome.KEEP] == sum(one["outcome"] == "keep" for one in inside)
    contested = [one for one in inside if one["was_contested"]]
    heard = [one for one in contested if one["state"] == "decided" or one["was_overturned"]]
    assert found.appeals == sum(bool(one["was_contested"]) for one in inside)
    assert found.overturned == sum(bool(one["was_overturned"]) for one in heard)
    assert found.overturn_rate == found.overturned / len(heard)
    assert found.breaches == sum(bool(one["is_breached"]) for one in images)
