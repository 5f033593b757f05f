"""One report takes down every copy, keeps it down at upload and at generation, and a reversal undoes all of it."""

from datetime import timedelta

import numpy as np
import pytest
from sqlalchemy import select

from safelight.cases.draft import Declarations, Matter
from safelight.cases.history import Step
from safelight.cases.model import Outcome, ReasonCode, Visibility
from safelight.cases.staff_model import Choice
from safelight.cases.stay_down import INDEX_NAME
from safelight.cases.takedown.ports import Order
from safelight.ledger.proofs.leaf import Leaf, LeafKind
from safelight.matching.banks import list_banks
from safelight.matching.model import BankCategory
from safelight.matching.pdq import Frame
from safelight.store.cases_tables import case_events
from safelight.store.matching_tables import bank_copies
from safelight.store.tables import ledger_leaves
from tests.cases.house import KEEP, REMOVE, SENIOR, START, House, post, print_of, report
from tests.matching.pictures import hash_of, jpeg, photo

AGAINST_TERMS = Choice(Outcome.REMOVE, ReasonCode.AGAINST_TERMS)


def copies() -> dict[str, Frame]:
    """Copies of one harmless photograph, as people make them."""
    original = photo("astronaut")
    return {
        "resized": photo("astronaut", 300, 300),
        "recompressed": jpeg(original, 40),
        "flipped": np.ascontiguousarray(original[:, ::-1]),
        "turned": np.ascontiguousarray(np.rot90(original)),
        "darker": np.asarray(original * 0.8, np.uint8),
    }


def crop(frame: Frame) -> Frame:
    height, width = frame.shape[:2]
    return np.ascontiguousarray(frame[height // 6 :, : width * 4 // 5])


@pytest.fixture
def town(home: House, monkeypatch: pytest.MonkeyPatch) -> House:
    """With pictures: an original, copies of it, a crop, and others that have nothing to do with it."""
    monkeypatch.setattr("safelight.matching.known._BANKS_MAX_AGE_S", -1.0)
    home.platform.publish("p1", photo("astronaut"))
    for name, frame in copies().items():
        home.platform.publish(name, frame)
    home.platform.publish("cropped", crop(photo("astronaut")))
    for name in ("coffee", "chelsea", "rocket"):
        home.platform.publish(name, photo(name))
    return home


def refused(home: House, frame: Frame) -> bool:
    """What the gate asks of every upload and every output."""
    return any(match.bank.name == "taken-down" for match in home.known.look([frame]).matches)


def steps_of(home: House, case_id: str) -> list[Step]:
    query = select(case_events.c.step).where(case_events.c.case_id == case_id).order_by(case_events.c.seq)
    return [Step(step) for step in home.sql(lambda c: c.execute(query).scalars().all())]


def test_one_report_hides_every_copy_that_was_published_and_nothing_else(town: House) -> None:
    receipt = town.run(town.cases.receive(report(fingerprints=(print_of(hash_of(photo("astronaut"))),)), "here"))
    town.tick()
    town.decide(receipt.case_id)
    assert not any(town.platform.shows(name) for name in ("p1", "cropped", *copies()))
    assert all(town.platform.shows(name) for name in ("coffee", "chelsea", "rocket"))
    status = town.run(town.cases.status(receipt.code, receipt.pin, "here"))
    assert status.copies == len(copies()) + 1


def test_the_next_upload_and_the_next_generation_of_each_copy_are_refused(town: House) -> None:
    receipt = town.run(town.cases.receive(report(fingerprints=(print_of(hash_of(photo("astronaut"))),)), "here"))
    town.tick()
    for frame in (photo("astronaut"), *copies().values()):
        assert refused(town, frame)
    assert not any(refused(town, photo(name)) for name in ("coffee", "chelsea", "rocket"))
    town.decide(receipt.case_id, KEEP)
    assert not any(refused(town, frame) for frame in (photo("astronaut"), *copies().values()))


def test_a_reversal_shows_every_copy_again_and_blocks_none(town: House) -> None:
    receipt = town.run(town.cases.receive(report(fingerprints=(print_of(hash_of(photo("astronaut"))),)), "here"))
    town.decide(receipt.case_id, REMOVE)
    town.undo(SENIOR, receipt.case_id, "")
    town.decide(receipt.case_id, KEEP)
    assert all(town.platform.shows(name) for name in town.platform.posts)
    assert not refused(town, photo("astronaut"))


def test_a_child_s_matter_blocks_in_a_list_of_its_own(town: House) -> None:
    draft = report(matter=Matter.CHILD, fingerprints=(print_of(hash_of(photo("astronaut"))),))
    town.run(town.cases.receive(draft, "here"))
    town.tick()
    found = {match.bank.category for match in town.known.look([photo("astronaut")]).matches}
    assert found == {BankCategory.CSAM}


def test_of_a_child_s_picture_hashes_are_taken_and_no_features(town: House) -> None:
    """A report by its place blocks at the gate as well, where the platform hands the picture out."""
    town.platform.hands_out = True
    town.run(town.cases.receive(report(matter=Matter.CHILD), "here"))
    town.tick()
    assert {match.bank.category for match in town.known.look([photo("astronaut")]).matches} == {BankCategory.CSAM}
    assert town.sql(lambda c: c.execute(select(bank_copies)).all()) == []
    town.platform.posts.pop("p1")
    town.run(town.cases.receive(report(places=(post("coffee"),)), "there"))
    town.tick()
    assert len(town.sql(lambda c: c.execute(select(bank_copies)).all())) == 1


def test_another_report_of_the_same_picture_joins_the_case_by_its_fingerprint_or_its_place(town: House) -> None:
    original = print_of(hash_of(photo("astronaut")))
    first = town.run(town.cases.receive(report(fingerprints=(original,)), "a"))
    town.tick()
    near = print_of(hash_of(jpeg(photo("astronaut"), 40)))
    second = town.run(town.cases.receive(report(places=(post("resized"),), fingerprints=(near,)), "b"))
    third = town.run(town.cases.receive(report(places=(post("resized"),)), "c"))
    other = town.run(town.cases.receive(report(fingerprints=(print_of(hash_of(photo("coffee"))),)), "d"))
    assert first.case_id == second.case_id == third.case_id
    assert other.case_id != first.case_id
    assert town.row(first.case_id).reports == 3
    codes = {one.code for one in (first, second, third)}
    assert len(codes) == 3


def test_a_report_of_what_was_taken_down_takes_down_the_new_place_as_well(town: House) -> None:
    original = print_of(hash_of(photo("astronaut")))
    first = town.run(town.cases.receive(report(fingerprints=(original,)), "a"))
    town.tick()
    town.decide(first.case_id)
    town.platform.publish("again", photo("chelsea"))  # the platform finds nothing by itself here
    second = town.run(town.cases.receive(report(places=(post("again"),), fingerprints=(original,)), "b"))
    town.tick()
    assert second.case_id == first.case_id
    assert not town.platform.shows("again")


def test_the_fingerprint_of_what_everybody_has_blocks_nothing(town: House) -> None:
    nonsense = print_of(b"\x00" * 32)
    receipt = town.run(town.cases.receive(report(fingerprints=(nonsense,)), "here"))
    town.tick()
    assert town.row(receipt.case_id).visibility is Visibility.HIDDEN
    counts = town.known.hashes.count()
    banks = {bank.name: bank.number for bank in town.sql(list_banks)}
    assert counts.get(banks.get("taken-down", 0), 0) == 0
    assert INDEX_NAME in banks


def test_a_withdrawn_report_shows_again_what_was_hidden_for_it(town: House) -> None:
    original = print_of(hash_of(photo("astronaut")))
    receipt = town.run(town.cases.receive(report(fingerprints=(original,)), "here"))
    town.tick()
    assert not town.platform.shows("flipped")
    town.run(town.cases.withdraw(receipt.code, receipt.pin, "here"))
    town.tick()
    assert all(town.platform.shows(name) for name in town.platform.posts)
    assert not refused(town, photo("astronaut"))


def test_a_platform_that_was_told_to_watch_is_told_when_it_need_not(town: House) -> None:
    receipt = town.run(town.cases.receive(report(declarations=Declarations(shows_intimate_content=True)), "here"))
    town.tick()
    town.decide(receipt.case_id, KEEP)
    assert [command.order for command in town.platform.commands] == [Order.WATCH, Order.RESTORE]
    town.platform.is_dead = True
    town.travel(hours=72)
    assert town.platform.shows("p1")


def test_a_platform_that_asks_before_it_shows_learns_of_copies_too(town: House) -> None:
    receipt = town.run(town.cases.receive(report(fingerprints=(print_of(hash_of(photo("astronaut"))),)), "here"))
    town.platform.is_dead = True
    town.tick()
    near, other = print_of(hash_of(jpeg(photo("astronaut"), 40))), print_of(hash_of(photo("coffee")))
    assert not town.run(town.cases.is_visible(fingerprint=near))
    assert town.run(town.cases.is_visible(fingerprint=other))
    town.decide(receipt.case_id, KEEP)
    assert town.run(town.cases.is_visible(fingerprint=near))


def test_a_late_order_does_not_overtake_a_newer_one(town: House) -> None:
    receipt = town.run(town.cases.receive(report(), "here"))
    town.platform.is_dead = True
    town.tick()
    town.decide(receipt.case_id, KEEP)
    town.platform.is_dead = False
    town.travel(hours=1)
    assert town.platform.shows("p1")
    assert [command.order for command in town.platform.commands] == [Order.RESTORE]


def test_a_picture_is_gone_when_the_platform_has_confirmed_every_place_and_not_before(town: House) -> None:
    places = (post("resized"), post("flipped"))
    receipt = town.run(town.cases.receive(report(places=places), "here"))
    town.platform.is_dead = True
    town.tick()
    assert steps_of(town, receipt.case_id).count(Step.HIDDEN) == 1
    assert Step.CONFIRMED not in steps_of(town, receipt.case_id)
    town.now += timedelta(hours=49)
    lost = town.run(town.cases.figures(START, town.now)).all
    assert (lost.hiding.count, lost.gone.count, lost.within_48_h) == (1, 0, 0.0)
    town.platform.is_dead = False
    town.tick()
    gone = town.run(town.cases.figures(START, town.now)).all
    assert gone.gone.median_s == 49 * 3600
    assert gone.within_48_h == 0.0
    town.decide(receipt.case_id)
    assert steps_of(town, receipt.case_id).count(Step.CONFIRMED) == 1
    leaves = town.sql(lambda c: c.execute(select(ledger_leaves.c.content)).scalars().all())
    told = [leaf.public for leaf in map(Leaf.parse, leaves) if leaf.kind == LeafKind.TAKEDOWN]
    assert [(one["outcome"], one["after_s"]) for one in told] == [
        ("hidden", 0),
        ("late", 49 * 3600),
        ("confirmed", 49 * 3600),
        ("removed", 49 * 3600 + 1),
    ]


def test_an_order_that_is_repeated_changes_nothing(town: House) -> None:
    town.run(town.cases.receive(report(), "here"))
    town.tick()
    command = town.platform.commands[0]
    again = town.run(town.platform.carry_out(command))
    assert again == town.platform.done[command.id]
    assert len(town.platform.commands) == 1


@pytest.mark.parametrize("matter", [Matter.OTHER, Matter.INTIMATE])
def test_what_was_removed_by_mistake_is_seen_again_when_the_decision_is_taken_back(town: House, matter: Matter) -> None:
    """Nothing hid it before: as `other` nothing ever does by itself, as `intimate` something is missing."""
    draft = report(matter=matter, declarations=Declarations(true_and_in_good_faith=True))
    receipt = town.run(town.cases.receive(draft, "here"))
    town.tick()
    town.decide(receipt.case_id, AGAINST_TERMS if matter is Matter.OTHER else REMOVE)
    assert not town.platform.shows("p1")
    assert Step.CONFIRMED in steps_of(town, receipt.case_id)
    town.undo(SENIOR, receipt.case_id, "")
    town.tick()
    assert town.platform.shows("p1")
    places = town.run(town.cases.open(SENIOR, receipt.case_id)).places
    assert {place.visibility for place in places} == {Visibility.VISIBLE}
    figures = town.run(town.cases.figures(START, town.now)).all
    assert (figures.hiding.count, figures.removal.count, figures.gone.count, figures.within_48_h) == (0, 0, 0, None)
    status = town.run(town.cases.status(receipt.code, receipt.pin, "here"))
    assert [step.value for _, step in status.steps] == ["received", "removed", "undone"]
