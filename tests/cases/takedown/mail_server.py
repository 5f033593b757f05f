"""A mail server as RFC 5321 has them, on loopback: keeps what it accepts, and fails where a test says."""

import asyncio
import datetime
import ipaddress
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


class Box:
    """What the server was given, and what it is to answer."""

    def __init__(self) -> None:
        self.messages: list[tuple[Envelope, EmailMessage]] = []
        self.at_rcpt: list[str] = []
        """Answers to recipients, used up in order; then all are taken."""
        self.at_data: list[str] = []
        """As well, once the letter is there; `gone`: it is kept, and the connection is dropped without a word."""
        self.signed_in: list[str] = []

    async def handle_RCPT(  # noqa: N802 (its name in the library)
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """RCPT TO."""
        if self.at_rcpt:
            return self.at_rcpt.pop(0)
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 OK"

    async def handle_DATA(  # noqa: N802
        self, server: SMTP, _session: Session, envelope: Envelope
    ) -> str:
        """The letter."""
        answer = self.at_data.pop(0) if self.at_data else "250 OK"
        if answer in ("gone", "250 OK"):
            message: Any = message_from_bytes(bytes(envelope.content or b""), policy=SMTP_POLICY)
            self.messages.append((envelope, message))
        if answer == "gone":
            server.transport.abort()
        return answer

    def authenticate(self, _server: SMTP, _session: Session, _envelope: Envelope, _how: str, given: Any) -> AuthResult:
        """One user, one password."""
        if isinstance(given, LoginPassword) and (given.login, given.password) == (b"safelight", b"a password"):
            self.signed_in.append(given.login.decode())
            return AuthResult(success=True)
        return AuthResult(success=False, handled=False)


@contextmanager
def mail_server(
    tls: ssl.SSLContext | None = None, *, at_once: bool = False, asks: bool = False
) -> Iterator[tuple[Box, int]]:
    """A running server, and its port. `tls`: offered, or with `at_once` spoken from the first byte."""
    box, loop = Box(), asyncio.new_event_loop()

    def session() -> SMTP:
        return SMTP(
            box,
            hostname="127.0.0.1",
            enable_SMTPUTF8=True,
            loop=loop,
            tls_context=None if at_once else tls,
            require_starttls=tls is not None and not at_once,
            authenticator=box.authenticate if asks else None,
            auth_required=asks and not at_once,  # the library warns, where it does not see the encryption itself
            auth_require_tls=not at_once,
        )

    server = loop.run_until_complete(loop.create_server(session, "127.0.0.1", 0, ssl=tls if at_once else None))
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield box, server.sockets[0].getsockname()[1]
    finally:
        asyncio.run_coroutine_threadsafe(_end(server), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


async def _end(server: asyncio.Server) -> None:
    """Stop listening, and end whatever session is left."""
    server.close()
    left = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    for task in left:
        task.cancel()
    await asyncio.gather(*left, return_exceptions=True)


def certificates(folder: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """A server's side and a client's who believes it, for 127.0.0.1."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = certificate.public_bytes(serialization.Encoding.PEM)
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / "mail.pem").write_bytes(pem + secret)
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(folder / "mail.pem")
    return serving, ssl.create_default_context(cadata=pem.decode())
