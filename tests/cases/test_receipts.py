"""Receipts: guessing is hopeless and bounded, what is shown names nobody, and nobody else's is reached by one's own."""

import re
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safelight.cases.draft import Addition, Contact, ContactKind, Declarations, Fingerprint, Matter, Route
from safelight.cases.errors import CaseError, ReceiptUnknown, ReportIncomplete, ReportInvalid, TooManyTries
from safelight.cases.model import Visibility
from safelight.cases.receipts import new_code, normal_code
from safelight.cases.sealing import Seal
from safelight.cases.spelling import read_addition, read_report, write_addition, write_report
from safelight.core.errors import StoreFailed
from safelight.matching.fingerprints import HashKind
from tests.cases.house import MODERATOR, REMOVE, House, post, report


def wrong(pin: str) -> str:
    return f"{(int(pin) + 1) % 10**6:06d}"


def test_after_five_wrong_pins_not_even_the_right_one_is_looked_at_for_a_while(home: House) -> None:
    receipt = home.run(home.cases.receive(report(), "here"))
    for _ in range(5):
        with pytest.raises(ReceiptUnknown):
            home.run(home.cases.status(receipt.code, wrong(receipt.pin), "there"))
    with pytest.raises(TooManyTries):
        home.run(home.cases.status(receipt.code, receipt.pin, "there"))
    # Whoever has seen the code does not shut its owner out, who asks from elsewhere.
    home.run(home.cases.status(receipt.code, receipt.pin, "home"))
    home.now = home.now.replace(hour=13)
    home.run(home.cases.status(receipt.code, receipt.pin, "there"))


@pytest.mark.parametrize("zero", ["\u0660", "\u06f0", "\u0966", "\uff10"])  # Arabic, Persian, Hindi, full width
def test_a_receipt_is_read_as_any_keyboard_writes_it(home: House, zero: str) -> None:
    receipt = home.run(home.cases.receive(report(), "here"))
    digits = {ord("0") + n: chr(ord(zero) + n) for n in range(10)}
    pin = f" {receipt.pin[:3]} {receipt.pin[3:]}\u200f".translate(digits)
    code = "\u200e" + receipt.code.lower().replace("-", " \u2013 ").translate(digits)
    assert home.run(home.cases.status(code, pin, "here")).visibility is Visibility.HIDDEN


def test_a_child_who_reports_an_image_of_themselves_is_a_matter_of_a_child(home: House) -> None:
    receipt = home.run(home.cases.receive(report(reporter_is_child=True, declarations=Declarations()), "here"))
    assert receipt.hidden_at is not None
    assert home.run(home.cases.status(receipt.code, receipt.pin, "here")).matter is Matter.CHILD


def test_one_source_tries_few_codes(home: House) -> None:
    for _ in range(20):
        with pytest.raises(ReceiptUnknown):
            home.run(home.cases.status(new_code(), "123456", "there"))
    with pytest.raises(TooManyTries):
        home.run(home.cases.status(new_code(), "123456", "there"))


def test_many_sources_together_try_few_pins_of_one_code(home: House) -> None:
    receipt = home.run(home.cases.receive(report(), "here"))
    for number in range(50):
        with pytest.raises(ReceiptUnknown):
            home.run(home.cases.status(receipt.code, wrong(receipt.pin), f"bot {number}"))
    with pytest.raises(TooManyTries):
        home.run(home.cases.status(receipt.code, wrong(receipt.pin), "bot 51"))


def test_neither_code_nor_pin_nor_words_stand_in_the_database(home: House) -> None:
    draft = report(explanation="a sentence of my own", contact=Contact(ContactKind.EMAIL, "a@b.example"))
    receipt = home.run(home.cases.receive(draft, "203.0.113.7"))
    held = b"".join(path.read_bytes() for path in home.folder.glob("cases.db*"))
    for secret in (receipt.code, normal_code(receipt.code), "sentence of my own", "a@b.example", "203.0.113.7"):
        assert secret is not None
        assert secret.encode() not in held


def test_a_receipt_opens_its_own_report_only(home: House) -> None:
    mine = home.run(home.cases.receive(report(explanation="mine"), "a"))
    theirs = home.run(home.cases.receive(report(explanation="theirs"), "b"))
    assert mine.case_id == theirs.case_id
    home.run(home.cases.withdraw(mine.code, mine.pin, "a"))
    status = home.run(home.cases.status(theirs.code, theirs.pin, "b"))
    assert not status.is_withdrawn
    assert status.visibility is Visibility.HIDDEN
    assert "withdrawn" not in [step.value for _, step in status.steps]
    with pytest.raises(CaseError):
        home.run(home.cases.add(mine.code, mine.pin, "a", Addition(explanation="more")))


def test_the_status_names_neither_place_nor_words_nor_staff(home: House) -> None:
    receipt = home.run(home.cases.receive(report(places=(post("very-special-post"),), explanation="my words"), "a"))
    home.decide(receipt.case_id, REMOVE, MODERATOR)
    shown = repr(home.run(home.cases.status(receipt.code, receipt.pin, "a")))
    for name in ("very-special-post", "my words", MODERATOR.id, "A. Person"):
        assert name not in shown


def test_a_flood_is_received_waits_and_delays_nobody_else(home: House) -> None:
    flood = [home.run(home.cases.receive(report(places=(post(f"f{n}"),)), "flood")) for n in range(40)]
    other = home.run(home.cases.receive(report(places=(post("hers"),)), "her"))
    assert len({one.code for one in flood}) == 40
    assert all(one.due_at == other.due_at for one in flood)
    # The door stays open and the clock runs; but beyond the bound its word alone hides nothing, and it is looked at
    # after whatever others have sent.
    assert [one.hidden_at is not None for one in flood] == [True] * 20 + [False] * 20
    assert other.hidden_at is not None
    order = [row.id for row in home.run(home.cases.queue(MODERATOR, limit=100)).rows]
    assert all(order.index(other.case_id) < order.index(one.case_id) for one in flood[20:])
    home.travel(hours=47)
    assert {row.visibility for row in home.run(home.cases.queue(MODERATOR, limit=100)).rows} == {Visibility.HIDDEN}


def test_whoever_is_one_of_a_flood_is_told_that_somebody_looks_before_it_is_hidden(home: House) -> None:
    for number in range(20):
        receipt = home.run(home.cases.receive(report(places=(post(f"p{number}"),)), "one"))
        assert not receipt.is_flood
    receipt = home.run(home.cases.receive(report(places=(post("p20"),)), "one"))
    assert (receipt.hidden_at, receipt.missing, receipt.is_flood) == (None, (), True)
    assert home.run(home.cases.status(receipt.code, receipt.pin, "one")).is_flood
    home.travel(hours=47)
    assert not home.run(home.cases.status(receipt.code, receipt.pin, "one")).is_flood, "hidden by the clock"
    child = home.run(home.cases.receive(report(matter=Matter.CHILD, places=(post("c"),)), "one"))
    assert not child.is_flood, "hidden at once, whoever reports"


def test_a_hotline_is_never_a_flood(home: House) -> None:
    for number in range(30):
        draft = report(places=(post(f"h{number}"),), route=Route.HOTLINE)
        assert home.run(home.cases.receive(draft, "hotline")).hidden_at


def test_what_is_needed_is_asked_for_together_with_all_the_rest(home: House) -> None:
    with pytest.raises(ReportIncomplete) as caught:
        home.run(home.cases.receive(report(places=(), contact=None), "a"))
    assert caught.value.missing == ("place_or_fingerprint", "contact")


def test_nobody_who_reports_for_a_child_has_to_name_themselves() -> None:
    draft = report(matter=Matter.CHILD, contact=None, reporter=None)
    assert draft.missing() == ()


def test_an_intimate_image_of_a_child_is_a_matter_of_a_child_whatever_was_chosen() -> None:
    assert report(person_is_child=True).effective_matter is Matter.CHILD


@pytest.mark.parametrize(
    "address", ["a@b.example\n", "a@b.example\r\nbcc: x@y.example", "a b@c.example", "a@b@c", "<a@b.example>", "@", ""]
)
def test_no_e_mail_address_can_be_another_header(address: str) -> None:
    with pytest.raises(ReportInvalid):
        Contact(ContactKind.EMAIL, address)


@given(st.text(max_size=40))
def test_a_code_is_read_as_it_was_meant_or_not_at_all(typed: str) -> None:
    code = normal_code(typed)
    assert code is None or re.fullmatch(r"[0-9A-HJKMNP-TV-Z]{12}", code)


def test_a_code_survives_being_copied_by_hand() -> None:
    for _ in range(200):
        code = new_code()
        by_hand = code.lower().replace("0", "o").replace("1", "l").replace("-", " ")
        assert normal_code(by_hand) == code.replace("-", "")


TEXT = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=50)


@given(TEXT, st.booleans(), st.sampled_from(Matter), st.binary(min_size=32, max_size=32))
def test_a_report_is_read_as_it_was_written(words: str, is_child: bool, matter: Matter, value: bytes) -> None:
    fingerprint = Fingerprint(HashKind.PDQ, value.hex(), 70)
    draft = report(explanation=words, person_is_child=is_child, matter=matter, fingerprints=(fingerprint,))
    assert read_report(write_report(draft)) == draft
    more = Addition(places=draft.places, explanation=words, contact=draft.contact, declarations=draft.declarations)
    assert read_addition(write_addition(more)) == more


def test_a_sealed_text_does_not_open_in_another_row(home: House) -> None:
    seal = Seal(home.key)
    sealed = seal.close("rep_1", {"words": "mine"})
    assert seal.open("rep_1", sealed) == {"words": "mine"}
    for row, content in (("rep_2", sealed), ("rep_1", sealed[:-1] + b"x"), ("rep_1", b"")):
        with pytest.raises(StoreFailed):
            seal.open(row, content)


def test_who_guessed_waits_for_what_is_left_and_no_longer(home: House) -> None:
    receipt = home.run(home.cases.receive(report(), "here"))
    for _ in range(5):
        with pytest.raises(ReceiptUnknown):
            home.run(home.cases.status(receipt.code, wrong(receipt.pin), "there"))
        home.now += timedelta(minutes=2)
    with pytest.raises(TooManyTries) as tries:
        home.run(home.cases.status(receipt.code, receipt.pin, "there"))
    assert tries.value.retry_after_s == 5 * 60, "the first of the five is ten minutes ago, and counts for fifteen"
    home.now += timedelta(minutes=5)
    home.run(home.cases.status(receipt.code, receipt.pin, "there"))


def test_who_took_a_report_back_reads_nothing_of_what_others_do_later(home: House) -> None:
    mine = home.run(home.cases.receive(report(), "a"))
    home.run(home.cases.receive(report(), "b"))
    home.run(home.cases.withdraw(mine.code, mine.pin, "a"))
    before = home.run(home.cases.status(mine.code, mine.pin, "a"))
    home.decide(mine.case_id)
    after = home.run(home.cases.status(mine.code, mine.pin, "a"))
    assert (after.steps, after.outcome) == (before.steps, None)


def test_what_was_removed_before_a_report_was_taken_back_is_said_as_long_as_it_holds(home: House) -> None:
    mine = home.run(home.cases.receive(report(), "a"))
    home.decide(mine.case_id)
    home.run(home.cases.withdraw(mine.code, mine.pin, "a"))
    assert home.run(home.cases.status(mine.code, mine.pin, "a")).outcome is REMOVE.outcome
    home.undo(MODERATOR, mine.case_id)
    assert home.run(home.cases.status(mine.code, mine.pin, "a")).outcome is None
