"""Letters by e-mail: addressed as they should be, sent once or not at all, never in clear, and loud where they fail."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from safelight.cases.draft import Contact, ContactKind
from safelight.cases.errors import ReportInvalid
from safelight.cases.model import Party
from safelight.cases.records import DOUBTFUL, WAITING
from safelight.cases.rules import load_rules
from safelight.cases.takedown.mail import Mail, MailServer, MailTls, Posts, written
from safelight.cases.takedown.memory import MemoryPost
from safelight.cases.takedown.ports import DeliveryFailed, Parcel
from safelight.core.errors import NotStartable
from safelight.settings import Settings
from safelight.store.cases_tables import case_effects
from safelight.wiring.letters import post_of
from tests.cases.house import MODERATOR, House, house, report
from tests.cases.takedown.mail_server import certificates, mail_server

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
SENDER = "Reports <reports@images.example>"
ADDRESS = Contact(ContactKind.EMAIL, "a.person@example.org")


def parcel(to: Contact | None = ADDRESS, subject: str = "Your report", body: str = "We have it.\n") -> Parcel:
    return Parcel("eff_1", "case_1", Party.REPORTER, to, None, (), "ar", subject, body)


def mail(port: int, tls: MailTls = MailTls.NONE, **more: object) -> Mail:
    return Mail(MailServer("127.0.0.1", port, SENDER, tls, **more), lambda: NOW)  # type: ignore[arg-type]


def test_a_letter_arrives_whole_with_the_headers_of_one_that_nobody_wrote() -> None:
    body = "وصلنا بلاغك.\n\n.a line with a dot before it\n" + "x" * 1200 + "\n"
    with mail_server() as (box, port):
        asyncio.run(mail(port).send(parcel(subject="وصلنا بلاغك", body=body)))
        ((envelope, message),) = box.messages
    assert (envelope.mail_from, envelope.rcpt_tos) == ("reports@images.example", ["a.person@example.org"])
    assert message["From"] == SENDER
    assert message["To"] == "a.person@example.org"
    assert message["Subject"] == "وصلنا بلاغك"
    assert message["Message-ID"] == "<eff_1@images.example>"
    assert (message["Auto-Submitted"], message["Content-Language"]) == ("auto-generated", "ar")
    assert message["Date"].datetime == NOW
    assert message.get_content().replace("\r\n", "\n") == body


@pytest.mark.parametrize("at_once", [False, True])
def test_it_is_encrypted_and_signed_in_before_anything_is_said(tmp_path: Path, at_once: bool) -> None:
    serving, trusting = certificates(tmp_path)
    tls = MailTls.TLS if at_once else MailTls.STARTTLS
    with mail_server(serving, at_once=at_once, asks=True) as (box, port):
        asyncio.run(mail(port, tls, user="safelight", password="a password", trust=trusting).send(parcel()))
        assert box.signed_in == ["safelight"]
        assert len(box.messages) == 1
        with pytest.raises(DeliveryFailed) as caught:
            asyncio.run(mail(port, tls, user="safelight", password="wrong", trust=trusting).send(parcel()))
        assert "wrong" not in str(caught.value)
        with pytest.raises(DeliveryFailed):  # nobody whom the system trusts has vouched for this server
            asyncio.run(mail(port, tls).send(parcel()))
        assert len(box.messages) == 1


def test_a_server_that_cannot_encrypt_gets_nothing() -> None:
    with mail_server() as (box, port), pytest.raises(DeliveryFailed) as caught:
        asyncio.run(mail(port, MailTls.STARTTLS).send(parcel()))
    assert not caught.value.is_doubtful
    assert box.messages == []


@pytest.mark.parametrize(
    "value", ["a@b.example\nBcc: c@d.example", "a@b.example\r\n.\r\n", "a@b.example\x0b", "a\u2028@b"]
)
def test_an_address_with_a_line_break_is_none(value: str) -> None:
    with pytest.raises(ReportInvalid):
        Contact(ContactKind.EMAIL, value)


@pytest.mark.parametrize(
    "wrong",
    [
        parcel(subject="Your report\nBcc: c@d.example"),
        parcel(subject="Your report\r\n\r\nAnother body"),
        Parcel("eff_1\r\nBcc: c@d.example", "case_1", Party.REPORTER, ADDRESS, None, (), "en", "s", "b"),
        Parcel("eff_1", "case_1", Party.REPORTER, ADDRESS, None, (), "en\nBcc: c@d.example", "s", "b"),
        parcel(to=None),
    ],
)
def test_a_line_break_makes_no_header(wrong: Parcel) -> None:
    with pytest.raises(DeliveryFailed) as caught:
        written(wrong, SENDER, lambda: NOW)
    assert caught.value.is_final


@pytest.mark.parametrize("value", ["=?utf-8?q?a=0d=0aBcc:c?=@b.example", "a+b=c!#$%@b.example", "a@[127.0.0.1"])
def test_whatever_an_address_says_there_is_one_recipient_or_none(value: str) -> None:
    try:
        contact = Contact(ContactKind.EMAIL, value)
        message = written(parcel(to=contact), SENDER, lambda: NOW)
    except (ReportInvalid, DeliveryFailed):
        return
    head = message.as_bytes().partition(b"\r\n\r\n")[0].lower()
    assert b"\nbcc:" not in head
    assert len(message["To"].addresses) == 1


def test_words_of_a_letter_make_no_header() -> None:
    """The body begins after the headers, whatever it begins with."""
    message = written(parcel(body="Bcc: c@d.example\r\n\r\nhello\n"), SENDER, lambda: NOW)
    assert message["Bcc"] is None


@pytest.mark.parametrize(
    ("at_rcpt", "at_data", "is_final", "is_doubtful"),
    [
        (["450 later"], [], False, False),
        (["550 nobody here"], [], True, False),
        ([], ["451 later"], False, False),
        ([], ["554 no"], True, False),
        ([], ["gone"], False, True),
    ],
)
def test_what_a_server_answers_says_whether_it_may_be_tried_again(
    at_rcpt: list[str], at_data: list[str], is_final: bool, is_doubtful: bool
) -> None:
    with mail_server() as (box, port):
        box.at_rcpt, box.at_data = at_rcpt, at_data
        with pytest.raises(DeliveryFailed) as caught:
            asyncio.run(mail(port).send(parcel()))
    assert (caught.value.is_final, caught.value.is_doubtful) == (is_final, is_doubtful)


def test_nobody_there_is_tried_again() -> None:
    with mail_server() as (_, port):
        pass
    with pytest.raises(DeliveryFailed) as caught:
        asyncio.run(mail(port).send(parcel()))
    assert (caught.value.is_final, caught.value.is_doubtful) == (False, False)


def test_each_letter_goes_by_the_first_post_that_takes_it() -> None:
    other = MemoryPost()
    with mail_server() as (box, port):
        posts = Posts(mail(port), other)
        for to in (ADDRESS, Contact(ContactKind.TELEPHONE, "0800")):
            assert posts.takes(Party.REPORTER, to)
            asyncio.run(posts.send(parcel(to=to)))
        assert not posts.repeats_safely(parcel())
    assert (len(box.messages), len(other.parcels)) == (1, 1)


@pytest.mark.parametrize(
    "wrong",
    [
        {"host": "mail.example", "tls": MailTls.NONE},
        {"host": "localhost", "tls": MailTls.NONE, "user": "somebody"},
        {"host": "mail.example", "sender": ""},
        {"host": "mail.example", "sender": "a@b.example, c@d.example"},
        {"host": "mail.example", "sender": "a@b.example\nBcc: c@d.example"},
    ],
)
def test_what_would_go_in_clear_or_come_from_nobody_does_not_start(wrong: dict[str, object]) -> None:
    with pytest.raises(NotStartable):
        MailServer(**({"port": 25, "sender": SENDER} | wrong))  # type: ignore[arg-type]


def reported(home: House) -> None:
    home.run(home.cases.receive(report(contact=ADDRESS), "here"))
    home.tick()


def states(home: House) -> list[str]:
    letters = select(case_effects.c.state).where(case_effects.c.kind == "letter")
    return list(home.sql(lambda c: c.execute(letters).scalars().all()))


def test_letters_to_those_whom_no_post_reaches_wait_with_the_receipt(tmp_path: Path) -> None:
    """An account's letter is no e-mail; without a platform it is read with its receipt, and nothing fails."""
    with mail_server() as (box, port), house(tmp_path, post_=mail(port)) as home:
        reported(home)
        assert states(home) == ["done"]
        assert [envelope.rcpt_tos for envelope, _ in box.messages] == [["a.person@example.org"]]


def test_a_letter_that_may_have_been_sent_is_not_sent_again_but_by_a_person(tmp_path: Path) -> None:
    with mail_server() as (box, port), house(tmp_path, post_=mail(port)) as home:
        box.at_data = ["gone"]
        reported(home)
        home.travel(hours=10)
        assert len(box.messages) == 1
        assert states(home) == [DOUBTFUL]
        (doubtful,) = [one for one in home.run(home.cases.dead_letters(MODERATOR)) if one.kind == "letter"]
        assert "had the letter" in doubtful.error
        home.run(home.cases.retry_here(doubtful.id))
        home.tick()
        assert [message["Message-ID"] for _, message in box.messages] == [f"<{doubtful.id}@images.example>"] * 2


def test_a_crash_while_a_letter_is_sent_leaves_it_in_doubt_and_not_sent_twice(tmp_path: Path) -> None:
    class Crash(BaseException):
        """The process ends here."""

    class Crashing(Mail):
        async def send(self, parcel: Parcel) -> None:
            await super().send(parcel)
            raise Crash

    with mail_server() as (box, port):
        with house(tmp_path, post_=Crashing(MailServer("127.0.0.1", port, SENDER, MailTls.NONE), lambda: NOW)) as home:
            with pytest.raises(Crash):
                reported(home)
            now = home.now
        with house(tmp_path, post_=mail(port), begin=False, now=now + timedelta(days=1)) as again:
            again.tick()
            assert states(again) == [DOUBTFUL]
        assert len(box.messages) == 1


def test_a_letter_that_was_refused_for_now_is_sent_later_and_once(tmp_path: Path) -> None:
    with mail_server() as (box, port), house(tmp_path, post_=mail(port)) as home:
        box.at_rcpt = ["451 greylisted"]
        reported(home)
        assert states(home) == [WAITING]
        home.travel(minutes=1)
        assert states(home) == ["done"]
        assert len(box.messages) == 1


def test_a_flood_names_nobody_s_address_for_letters(tmp_path: Path) -> None:
    rules = load_rules()
    rules = replace(rules, flood=rules.flood.model_copy(update={"reports_per_hour": 2}))
    with house(tmp_path, rules=rules) as home:
        receipts = [home.run(home.cases.receive(report(contact=ADDRESS), "one source")) for _ in range(4)]
        home.tick()
        assert sum(one.party is Party.REPORTER for one in home.post.parcels.values()) == 2
        last = home.run(home.cases.status(receipts[-1].code, receipts[-1].pin, "here"))
        assert [letter.kind for letter in last.letters] == ["received"]


def test_the_settings_make_a_mail_server_and_the_rest_goes_to_the_platform() -> None:
    with mail_server() as (box, port):
        told: dict[str, Any] = {"mail_host": "127.0.0.1", "mail_port": port, "mail_tls": "none", "mail_from": SENDER}
        platform = MemoryPost()
        letters = post_of(Settings(_env_file=None, **told), platform, lambda: NOW)
        asyncio.run(letters.send(parcel()))
        assert letters.takes(Party.ACCOUNT, None)
        alone = post_of(Settings(_env_file=None, **told), None, lambda: NOW)
        assert not alone.takes(Party.ACCOUNT, None)
        assert (len(box.messages), len(platform.parcels)) == (1, 0)
    assert post_of(Settings(_env_file=None), platform, lambda: NOW) is platform
    assert not post_of(Settings(_env_file=None), None, lambda: NOW).takes(Party.REPORTER, ADDRESS)
    for wrong in ({"mail_from": ""}, {"mail_host": "mail.example"}):
        with pytest.raises(NotStartable):
            post_of(Settings(_env_file=None, **(told | wrong)), None, lambda: NOW)
