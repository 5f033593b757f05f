"""What a person typed becomes a report, and no line of it is lost on the way."""

from dataclasses import asdict
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safelight.cases.draft import ContactKind, Matter, Missing, PlaceKind, Reporter
from safelight.cases.errors import ReportInvalid
from safelight.matching.fingerprints import HashKind
from safelight.web.public.reports.form import STEP_OF_PART, ReportForm, Step
from safelight.web.public.reports.once import Answer, Once

PRINT = "ab" * 32
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def test_a_whole_form_is_a_complete_report() -> None:
    draft = ReportForm(
        matter="intimate",
        reporter="subject",
        person_age="over",
        my_age="over",
        links="https://images.example/1\nimages.example/2?x=1\n\nthe group called Friends",
        place_words="posted on Sunday",
        pdq=f"{PRINT}:100",
        sha256=PRINT,
        shows="yes",
        no_consent="yes",
        good_faith="yes",
        signature=" A. Person ",
        contact_kind="email",
        contact="person@mail.example",
        danger="yes",
        made="yes",
    ).draft("cy")
    assert draft.missing() == ()
    assert [(place.kind, place.value) for place in draft.places] == [
        (PlaceKind.ADDRESS, "https://images.example/1"),
        (PlaceKind.ADDRESS, "https://images.example/2?x=1"),
        (PlaceKind.WORDS, "the group called Friends"),
        (PlaceKind.WORDS, "posted on Sunday"),
    ]
    assert [print_.kind for print_ in draft.fingerprints] == [HashKind.PDQ, HashKind.SHA256]
    assert (draft.language, draft.in_danger, draft.was_made, draft.reporter) == ("cy", True, True, Reporter.SUBJECT)
    assert draft.declarations.signature == "A. Person"


@pytest.mark.parametrize("age", ["under", "unsure"])
def test_who_may_be_under_18_counts_as_a_child(age: str) -> None:
    form = ReportForm(matter="intimate", person_age=age, links="a.example", good_faith="yes")
    assert form.draft("en").effective_matter is Matter.CHILD
    assert Step.CHILD in form.steps
    assert form.draft("en").missing() == ()


@pytest.mark.parametrize(
    ("said", "matter"),
    [
        ({"reporter": "subject"}, Matter.CHILD),
        ({"reporter": "subject", "person_age": "over"}, Matter.CHILD),
        ({"reporter": "other"}, Matter.CHILD),
        ({"reporter": "other", "person_age": "over"}, Matter.INTIMATE),
    ],
)
def test_who_is_under_18_now_was_so_in_the_image(said: dict[str, str], matter: Matter) -> None:
    form = ReportForm(matter="intimate", my_age="under", links="a.example", **said)
    assert form.draft("en").effective_matter is matter


def test_a_picture_without_detail_is_known_by_its_file_only() -> None:
    draft = ReportForm(matter="other", pdq=f"{PRINT}:20", sha256=PRINT).draft("en")
    assert [print_.kind for print_ in draft.fingerprints] == [HashKind.SHA256]


@pytest.mark.parametrize(
    ("fields", "part"),
    [
        ({"pdq": "zz"}, "fingerprints"),
        ({"pdq": f"{PRINT}:999"}, "fingerprints"),
        ({"sha256": PRINT + "0"}, "fingerprints"),
        ({"sha256": "\n".join(f"{n:064x}" for n in range(51))}, "fingerprints"),
        ({"links": "\n".join(f"https://a.example/{n}" for n in range(101))}, "places"),
        ({"links": "https://a.example/" + "x" * 2_000}, "places"),
        ({"links": "a\x00b"}, "places"),
        ({"explanation": "x" * 10_001}, "explanation"),
        ({"account": "x" * 321}, "about_account"),
        ({"signature": "x" * 201}, "signature"),
        ({"contact_kind": "email", "contact": "no address"}, "contact"),
        ({"contact_kind": "email", "contact": "a@b.example\nBcc: c@d.example"}, "contact"),
        ({"contact_kind": "telephone", "contact": ""}, "contact"),
    ],
)
def test_what_cannot_be_used_names_its_page(fields: dict[str, str], part: str) -> None:
    form = ReportForm(matter="other", **fields)
    with pytest.raises(ReportInvalid) as caught:
        form.draft("en")
    assert caught.value.param == part
    assert part in STEP_OF_PART
    assert form.draft("en", strict=False).matter is Matter.OTHER


@given(st.dictionaries(st.sampled_from(sorted(asdict(ReportForm()))), st.text(max_size=60)))
def test_any_fields_make_a_draft_and_are_carried_as_they_are(texts: dict[str, str]) -> None:
    form = ReportForm.read(texts | {"unknown": "x"})
    draft = form.draft("en", strict=False)
    assert set(draft.missing()) <= set(Missing)
    for step in form.steps:
        carried = form.carried(step)
        assert all(carried[name] == getattr(form, name) for name in carried)
    assert form.steps[-1] is Step.CHECK


@given(
    st.lists(
        st.text(alphabet=st.characters(exclude_characters="\n\r\x00", exclude_categories=["Cs"]), max_size=50),
        max_size=20,
    )
)
def test_no_line_is_lost(lines: list[str]) -> None:
    places = ReportForm(links="\n".join(lines)).draft("en").places
    found = {place.value.removeprefix("https://") for place in places}
    assert all(line.strip().removeprefix("https://") in found for line in lines if line.strip())


@pytest.mark.parametrize(
    ("typed", "kind"),
    [
        ("a@b.example", ContactKind.EMAIL),
        ("+44 (0)7700 900123", ContactKind.TELEPHONE),
        ("\u0660\u0667\u0667\u0660\u0660 \u0669\u0660\u0660", ContactKind.TELEPHONE),
        ("@a_person", ContactKind.ACCOUNT),
    ],
)
def test_whoever_says_how_to_reach_them_need_not_say_what_that_is(typed: str, kind: ContactKind) -> None:
    contact = ReportForm(contact=typed).draft("en").contact
    assert contact is not None
    assert (contact.kind, contact.value) == (kind, typed)


def test_who_chooses_not_to_be_contacted_is_not() -> None:
    assert ReportForm(contact=" ").draft("en").contact is None
    contact = ReportForm(contact_kind="receipt", contact="left over").draft("en").contact
    assert contact is not None
    assert (contact.kind, contact.value) == (ContactKind.RECEIPT, "")


class TestMarks:
    once: Once[str]

    def setup_method(self) -> None:
        self.once = Once(timedelta(hours=1))

    def test_a_mark_is_good_once(self) -> None:
        mark = self.once.issue(NOW)
        assert self.once.use(mark, NOW) is Answer.FRESH
        self.once.keep(mark, "receipt")
        assert self.once.use(mark, NOW) is Answer.USED
        assert self.once.result(mark) == "receipt"

    def test_a_mark_that_came_to_nothing_is_good_again(self) -> None:
        mark = self.once.issue(NOW)
        self.once.use(mark, NOW)
        self.once.give_back(mark)
        assert self.once.use(mark, NOW) is Answer.FRESH

    def test_a_mark_grows_old_and_is_then_forgotten(self) -> None:
        mark = self.once.issue(NOW)
        assert self.once.use(mark, NOW + timedelta(minutes=59)) is Answer.FRESH
        later = NOW + timedelta(hours=3)
        assert self.once.use(mark, later) is Answer.STALE
        self.once.use(self.once.issue(later), later)
        assert self.once.result(mark) is None

    def test_a_mark_from_before_a_restart_or_of_another_time_is_none(self) -> None:
        other = Once[str](timedelta(hours=1)).issue(NOW)
        assert self.once.use(other, NOW) is Answer.STALE
        assert self.once.use(self.once.issue(NOW + timedelta(minutes=1)), NOW) is Answer.STALE

    @given(st.text())
    def test_anything_else_is_none_of_ours(self, text: str) -> None:
        assert Once[str](timedelta(hours=1)).use(text, NOW) is Answer.STALE


@pytest.mark.parametrize(("my_age", "asks"), [("over", True), ("under", False)])
def test_whoever_is_under_18_signs_nothing(my_age: str, *, asks: bool) -> None:
    said = {"reporter": "other", "shows": True, "no_consent": True, "good_faith": True}
    form = ReportForm(matter="intimate", my_age=my_age, person_age="over", links="https://a.example/1", **said)
    assert (Missing.SIGNATURE in form.draft("en").missing()) is asks
