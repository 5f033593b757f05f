"""A platform that does not answer is seen by those on call long before its orders are given up."""

from tests.cases.house import LEAD, House, report


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
