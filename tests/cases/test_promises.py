"""What whoever reports is told holds: of a picture that is down already, of what is refused, of letters, of danger."""

from pathlib import Path

import pytest
from structlog.testing import capture_logs

from safelight.cases.draft import Addition, Contact, ContactKind, Fingerprint, Matter, Place, PlaceKind
from safelight.cases.reporter_model import Delivery, KnownBy, Letter, PublicStep, Receipt, ReportStatus
from safelight.cases.takedown.memory import NoPlatform, NoPost
from safelight.cases.takedown.ports import Command, Confirmed, DeliveryFailed, Order
from safelight.matching.fingerprints import HashKind
from tests.cases.house import KEEP, SENIOR, House, address, house, post, report

MAIL = Contact(ContactKind.EMAIL, "a.person@mail.example")
FILE = Fingerprint(HashKind.SHA256, "ab" * 32)
PICTURE = Fingerprint(HashKind.PDQ, "b5c1e8a72d4f93061c7ae5d80b92f64d3e71a8c50f69d2b47c18e39a5d06b2f4")


def status(home: House, receipt: Receipt) -> ReportStatus:
    return home.run(home.cases.status(receipt.code, receipt.pin, "here"))


def letter(home: House, receipt: Receipt) -> Letter:
    return status(home, receipt).letters[-1]


def test_who_reports_what_is_down_already_is_told_so_and_of_no_clock(home: House) -> None:
    first = home.run(home.cases.receive(report(), "a"))
    home.decide(first.case_id)
    decided = home.now
    home.travel(days=3)
    again = home.run(home.cases.receive(report(contact=MAIL), "b"))
    assert (again.case_id, again.hidden_at, again.removed_at) == (first.case_id, None, decided)
    told = letter(home, again)
    assert told.kind == "removed"
    assert f"on {decided:%Y-%m-%d %H:%M} UTC we decided to remove" in told.body
    assert "clock" not in told.body
    home.tick()
    assert [parcel.subject for parcel in home.post.parcels.values() if parcel.to == MAIL] == [told.subject]


def test_of_a_clock_that_ran_out_before_a_report_came_nothing_is_promised(home: House) -> None:
    first = home.run(home.cases.receive(report(matter=Matter.OTHER), "a"))
    home.travel(days=30)
    again = home.run(home.cases.receive(report(matter=Matter.OTHER), "b"))
    assert again.case_id == first.case_id
    assert f"{again.due_at:%Y-%m-%d}" not in letter(home, again).body


@pytest.mark.parametrize(
    ("prints", "known", "words"),
    [
        ((), KnownBy.PLACE, "We know only where it is"),
        ((FILE,), KnownBy.FILE, "exactly this file"),
        ((FILE, PICTURE), KnownBy.PICTURE, "New uploads of it, and pictures made from it"),
    ],
)
def test_of_uploads_it_is_said_what_is_refused(
    home: House, prints: tuple[Fingerprint, ...], known: KnownBy, words: str
) -> None:
    receipt = home.run(home.cases.receive(report(fingerprints=prints), "a"))
    home.decide(receipt.case_id)
    assert status(home, receipt).known_by is known
    assert words in letter(home, receipt).body
    later = home.run(home.cases.receive(report(), "b"))
    assert words in letter(home, later).body, "as of the report that it joins"


def test_what_is_added_after_the_picture_stays_is_no_order_to_show_it(home: House) -> None:
    receipt = home.run(home.cases.receive(report(), "a"))
    home.decide(receipt.case_id, KEEP)
    before = len(home.platform.commands)
    home.run(home.cases.add(receipt.code, receipt.pin, "a", Addition(places=(post("p2"),))))
    home.tick()
    assert home.platform.commands[before:] == []
    home.run(home.cases.contest(receipt.code, receipt.pin, "a", "It is me."))
    home.decide(receipt.case_id, staff=SENIOR)
    assert home.platform.commands[-1].order is Order.REMOVE
    assert post("p2") in home.platform.commands[-1].places


@pytest.mark.parametrize("by_report", [True, False])
def test_danger_is_told_though_nobody_has_the_case_before_them(home: House, *, by_report: bool) -> None:
    receipt = home.run(home.cases.receive(report(), "a"))
    home.decide(receipt.case_id)
    with capture_logs() as logs:
        if by_report:
            home.run(home.cases.receive(report(in_danger=True), "b"))
        else:
            home.run(home.cases.add(receipt.code, receipt.pin, "a", Addition(in_danger=True)))
    assert {"event": "danger_in_decided_case", "case": receipt.case_id, "log_level": "error"} in logs


def test_no_letter_of_a_flood_is_sent_later_either(home: House) -> None:
    for number in range(20):
        home.run(home.cases.receive(report(places=(post(f"f{number}"),)), "flood"))
    receipt = home.run(home.cases.receive(report(places=(address("https://a.example/1"),), contact=MAIL), "flood"))
    assert receipt.letters_wait
    home.decide(receipt.case_id)
    assert [one.kind for one in status(home, receipt).letters] == ["received", "removed"]
    assert status(home, receipt).letters_wait
    assert not [parcel for parcel in home.post.parcels.values() if parcel.to == MAIL]


def test_who_wants_letters_that_nobody_carries_is_told(tmp_path: Path) -> None:
    with house(tmp_path, post_=NoPost()) as home:
        assert home.cases.contact_kinds == {ContactKind.RECEIPT}
        receipt = home.run(home.cases.receive(report(contact=MAIL), "a"))
        assert receipt.letters_wait
        assert status(home, receipt).letters_wait
        assert not home.run(home.cases.receive(report(places=(post("p2"),)), "a")).letters_wait


def test_without_a_platform_no_letter_says_that_the_picture_is_hidden(tmp_path: Path) -> None:
    with house(tmp_path, platform=NoPlatform()) as home:
        receipt = home.run(home.cases.receive(report(), "a"))
        home.decide(receipt.case_id)
        received, removed = status(home, receipt).letters
        assert "being hidden now" not in received.body
        assert "confirmed" not in removed.body
        assert all("report it there as well" in one.body for one in (received, removed))
        assert "taken down" not in removed.subject
        assert not {PublicStep.HIDDEN, PublicStep.SHOWN} & {step for _, step in status(home, receipt).steps}
        assert status(home, receipt).delivery is Delivery.NOBODY


class _Gone:
    """A platform that answers 410: for good."""

    async def carry_out(self, command: Command) -> Confirmed:
        raise DeliveryFailed("410", is_final=True)

    async def picture(self, request_id: str, place: object) -> bytes | None:
        return None


def test_an_order_that_was_given_up_is_not_said_to_be_tried(tmp_path: Path) -> None:
    with house(tmp_path, platform=_Gone()) as home:
        receipt = home.run(home.cases.receive(report(), "a"))
        assert status(home, receipt).delivery is Delivery.TRYING
        home.tick()
        assert status(home, receipt).delivery is Delivery.GIVEN_UP


def test_who_joins_a_matter_reads_what_later_steps_speak_of(home: House) -> None:
    first = home.run(home.cases.receive(report(), "a"))
    home.decide(first.case_id)
    home.travel(minutes=1)
    second = home.run(home.cases.receive(report(), "b"))
    assert [step for _, step in status(home, second).steps] == [PublicStep.REMOVED, PublicStep.RECEIVED]
    home.run(home.cases.undo(SENIOR, first.case_id, home.row(first.case_id).version, "a mistake"))
    steps = status(home, second).steps
    assert [step for _, step in steps][:3] == [PublicStep.REMOVED, PublicStep.RECEIVED, PublicStep.UNDONE]
    assert [at for at, _ in steps] == sorted(at for at, _ in steps)


def test_who_was_right_is_told_that_the_picture_comes_down(home: House) -> None:
    receipt = home.run(home.cases.receive(report(), "a"))
    home.decide(receipt.case_id, KEEP)
    home.run(home.cases.contest(receipt.code, receipt.pin, "a", "It is me."))
    home.decide(receipt.case_id, staff=SENIOR)
    told = letter(home, receipt)
    assert told.kind == "appeal_reversed"
    assert "being taken down" in told.body
    assert "We know only where it is" in told.body


def test_a_removal_is_still_one_when_the_names_of_its_places_are_destroyed(home: House) -> None:
    found = home.run(home.cases.receive(report(), "a"))
    words = Place(PlaceKind.WORDS, "in a group, last week")
    only_words = home.run(home.cases.receive(report(places=(words,)), "b"))
    for receipt in (found, only_words):
        home.decide(receipt.case_id)
    assert (status(home, found).is_confirmed, status(home, only_words).is_confirmed) == (True, False)
    home.travel(days=366)
    assert home.run(home.cases.open(SENIOR, found.case_id)).places == ()
    assert (status(home, found).is_confirmed, status(home, only_words).is_confirmed) == (True, False)
