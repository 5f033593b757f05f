"""Letters by e-mail, over one SMTP server (RFC 5321). Off until a server is named.

Rules of this module
- A server cannot tell a repetition, so a letter goes out at most once: whatever may have been taken, without our having
  heard so, is doubtful, and left to a person (`safelight cases failed`). What surely was not taken is tried again.
- Nothing is sent in clear but to this machine itself, and a password never.
- Headers are made of fields that have been parsed; a line break in any of them is refused, here too.
- A letter says who sent it and that nobody wrote it (RFC 3834), so that machines do not answer it.
"""

import asyncio
import smtplib
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from enum import StrEnum
from typing import Any

from safelight.cases.draft import Contact, ContactKind
from safelight.cases.model import Party
from safelight.cases.takedown.ports import DeliveryFailed, Parcel, Post
from safelight.core.clock import Clock
from safelight.core.errors import NotStartable

TIMEOUT_S = 20.0
"""For each answer of the server: connecting, signing in and sending together stay within an effect's lease."""
_AT_ONCE = 4
_ACCEPTED = 250
_FOR_GOOD = 500


class MailTls(StrEnum):
    """How the connection is kept from others' eyes."""

    STARTTLS = "starttls"
    """Begins in clear and is encrypted before anything is said; refused where the server cannot."""
    TLS = "tls"
    NONE = "none"
    """For a server on this machine."""


@dataclass(frozen=True, slots=True)
class MailServer:
    """Where letters are handed over, and as whose."""

    host: str
    port: int
    sender: str
    """An address, or a name and an address: `Reports <reports@images.example>`."""
    tls: MailTls = MailTls.STARTTLS
    user: str = ""
    password: str = field(default="", repr=False)
    trust: ssl.SSLContext | None = None
    """Whom to believe who the server is; the system's authorities by default."""

    def __post_init__(self) -> None:
        """Raises NotStartable for what would be sent in clear, or from nobody."""
        if self.tls is MailTls.NONE and self.host not in {"localhost", "127.0.0.1", "::1"}:
            raise NotStartable("Letters are not sent in clear over a network: set SAFELIGHT_MAIL_TLS.")
        if self.tls is MailTls.NONE and self.user:
            raise NotStartable("A password is not sent in clear: set SAFELIGHT_MAIL_TLS, or drop the user.")
        try:
            address = _addressed(self.sender)
        except ValueError as error:
            raise NotStartable("SAFELIGHT_MAIL_FROM is no e-mail address.") from error
        if not address.domain:
            raise NotStartable("SAFELIGHT_MAIL_FROM needs an address such as reports@images.example.")


class Mail:
    """The post, for those who gave an e-mail address."""

    def __init__(self, server: MailServer, clock: Clock) -> None:
        self._server = server
        self._clock = clock
        self._turn = asyncio.Semaphore(_AT_ONCE)

    def takes(self, party: Party, to: Contact | None) -> bool:
        """Whether there is an address to send it to."""
        return party is Party.REPORTER and to is not None and to.kind is ContactKind.EMAIL

    def repeats_safely(self, parcel: Parcel) -> bool:  # noqa: ARG002 (of no letter)
        """Never."""
        return False

    async def send(self, parcel: Parcel) -> None:
        """As the port says."""
        message = written(parcel, self._server.sender, self._clock)
        async with self._turn:
            await asyncio.to_thread(_hand_over, self._server, message)


class Posts:
    """Several posts: each letter goes by the first that takes it."""

    def __init__(self, *posts: Post) -> None:
        self._posts = posts

    def takes(self, party: Party, to: Contact | None) -> bool:
        """Whether one of them does."""
        return any(post.takes(party, to) for post in self._posts)

    def repeats_safely(self, parcel: Parcel) -> bool:
        """As the one that takes it."""
        return self._for(parcel).repeats_safely(parcel)

    async def send(self, parcel: Parcel) -> None:
        """As the port says."""
        await self._for(parcel).send(parcel)

    def _for(self, parcel: Parcel) -> Post:
        found = (post for post in self._posts if post.takes(parcel.party, parcel.to))
        return next(found, self._posts[-1])


def written(parcel: Parcel, sender: str, clock: Clock) -> EmailMessage:
    """The letter as a message. Raises DeliveryFailed, for good, where a field cannot stand in a header."""
    message = EmailMessage(policy=SMTP)
    try:
        mine = _addressed(sender)
        message["From"] = mine
        message["To"] = Address(addr_spec=parcel.to.value if parcel.to else "")
        message["Subject"] = parcel.subject
        message["Date"] = format_datetime(clock())
        # The same at each try, so that whoever keeps ids sees that it is one letter.
        message["Message-ID"] = f"<{parcel.id}@{mine.domain}>"
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(parcel.body)
        message["Content-Language"] = parcel.language
    except (ValueError, MessageError, IndexError) as error:
        raise DeliveryFailed("This letter cannot be addressed as it is.", is_final=True) from error
    return message


def _addressed(text: str) -> Address:
    """A name and an address, or an address. Raises ValueError for several, or none."""
    header = SMTP.header_factory("from", text)
    addresses: tuple[Address, ...] = header.addresses
    if len(addresses) != 1 or header.defects:
        raise ValueError("one address")
    return addresses[0]


def _hand_over(server: MailServer, message: EmailMessage) -> None:
    mine, theirs = (message[name].addresses[0].addr_spec for name in ("From", "To"))
    try:
        smtp = _connected(server)
    except (OSError, smtplib.SMTPException) as error:
        raise DeliveryFailed(f"The mail server could not be used ({type(error).__name__}).") from error
    try:
        is_wide = not (mine + theirs).isascii()
        options = ["SMTPUTF8"] if is_wide and smtp.has_extn("smtputf8") else []
        _said(smtp.mail, mine, options)
        _said(smtp.rcpt, theirs)
        try:
            code, _ = smtp.data(message.as_bytes(policy=SMTP.clone(utf8=bool(options))))
        except smtplib.SMTPDataError as error:
            raise _refused(error.smtp_code) from error  # before a word of it was sent
        except (OSError, smtplib.SMTPException) as error:
            message_ = f"The mail server went away ({type(error).__name__}) when it had the letter."
            raise DeliveryFailed(message_, is_doubtful=True) from error
        if code != _ACCEPTED:
            raise _refused(code)
    finally:
        smtp.close()


def _connected(server: MailServer) -> smtplib.SMTP:
    """A session that is encrypted and signed in as the settings say. Raises OSError or SMTPException."""
    trust = server.trust or ssl.create_default_context()
    if server.tls is MailTls.TLS:
        smtp: smtplib.SMTP = smtplib.SMTP_SSL(server.host, server.port, timeout=TIMEOUT_S, context=trust)
    else:
        smtp = smtplib.SMTP(server.host, server.port, timeout=TIMEOUT_S)
    try:
        if server.tls is MailTls.STARTTLS:
            smtp.starttls(context=trust)
        smtp.ehlo_or_helo_if_needed()
        if server.user:
            smtp.login(server.user, server.password)
    except BaseException:
        smtp.close()
        raise
    return smtp


def _said(command: Callable[..., tuple[int, bytes]], *words: Any) -> None:
    """One command before the letter itself: whatever goes wrong, nothing was sent."""
    try:
        code, _ = command(*words)
    except (OSError, ValueError, smtplib.SMTPException) as error:
        # ValueError: a line break, or letters that this server cannot take in an address.
        is_final = isinstance(error, ValueError)
        raise DeliveryFailed(f"The mail server did not take it ({type(error).__name__}).", is_final=is_final) from error
    if code not in (_ACCEPTED, 251):
        raise _refused(code)


def _refused(code: int) -> DeliveryFailed:
    """RFC 5321, 4.2.1: 4yz is for now, 5yz for good."""
    return DeliveryFailed(f"The mail server answered with {code}.", is_final=code >= _FOR_GOOD)
