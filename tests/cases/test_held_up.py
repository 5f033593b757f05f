"""A platform that does not answer is seen by those on call long before its orders are given up."""

from datetime import timedelta
from pathlib import Path

from sqlalchemy import func, select

from safelight.cases.records import DEAD, PLACES, WAITING
from safelight.cases.takedown.memory import MemoryPlatform
from safelight.cases.takedown.ports import Command, Confirmed, DeliveryFailed
from safelight.store.cases_tables import case_effects
from tests.cases.house import LEAD, START, House, house, post, report


def waiting(home: House) -> int:
    orders = select(func.count()).where(case_effects.c.kind == PLACES, case_effects.c.state.in_([WAITING, DEAD]))
    return home.sql(lambda c: c.execute(orders).scalar_one())


class LockedPost(MemoryPlatform):
    """A platform that can do nothing about one post."""

    async def carry_out(self, command: Command) -> Confirmed:
        if any(place.value == "locked" for place in command.places):
            raise DeliveryFailed("This post is locked.")
        return await super().carry_out(command)


def test_an_order_that_is_tried_in_vain_is_seen_within_the_hour(home: House) -> None:
    home.platform.is_dead = True
    home.run(home.cases.receive(report(), "here"))
    home.tick()
    assert home.run(home.cases.dead_letters(LEAD)) == (), "one failure is nothing to look at"
    for _ in range(12):
        home.travel(minutes=5)
    (order,) = home.run(home.cases.dead_letters(LEAD))
    assert (order.kind, order.state) == ("places", "waiting")
    assert "out of order" in order.error
    home.platform.is_dead = False
    home.run(home.cases.retry(LEAD, order.id))  # the next try would be in half an hour
    home.tick()
    assert home.run(home.cases.dead_letters(LEAD)) == ()


def test_after_an_outage_whatever_waits_goes_out_with_the_first_order_that_arrives(home: House) -> None:
    home.platform.is_dead = True
    for number in range(5):
        home.run(home.cases.receive(report(places=(post(f"p{number}"),)), "here"))
    for _ in range(8):
        home.travel(hours=1)
    home.platform.is_dead = False
    home.now += timedelta(seconds=1)
    assert waiting(home) == 5
    home.run(home.cases.receive(report(places=(post("new"),)), "here"))
    home.tick()
    assert waiting(home) == 0


def test_what_fails_by_itself_is_neither_hurried_by_every_other_order_nor_given_up_sooner(tmp_path: Path) -> None:
    with house(tmp_path, platform=(platform := LockedPost(lambda: START))) as home:
        home.run(home.cases.receive(report(places=(post("locked"),)), "here"))
        for number in range(40):
            home.run(home.cases.receive(report(places=(post(f"p{number}"),)), ""))
            home.travel(seconds=1)
        (order,) = home.sql(lambda c: c.execute(select(case_effects).where(case_effects.c.error != "")).all())
        assert order.attempts <= 4, "as its pauses say"
        for number in range(40, 80):
            home.run(home.cases.receive(report(places=(post(f"p{number}"),)), ""))
            home.travel(minutes=5)
        (order,) = home.run(home.cases.dead_letters(LEAD))
        assert (order.kind, order.state) == ("places", "waiting")
        assert platform.commands
