"""The guarded fetch: what it brings, and the ways in which an address may not become a hand inside the network.

Real servers on loopback, which the rules of these tests allow; names are resolved by the test itself.
"""

import asyncio
import base64
import datetime
import gzip
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from ipaddress import IPv4Address, IPv6Address, ip_network
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st

from safelight.core.errors import BadInput, InputCode
from safelight.core.limits import Limits
from safelight.gate.fetch import FetchRules, GuardedFetcher, decode_data_url, is_public
from tests.gate.hostile_urls import HOSTILE_URLS
from tests.upstream import picture, serving

pytestmark = pytest.mark.anyio

LIMITS = Limits(fetch_timeout_s=1.0, fetch_max_redirects=2)
LOCAL = (ip_network("127.0.0.0/8"), ip_network("::1"))
PHOTO = picture()
ROOM = 64 * 1024
TRUSTS_NOBODY = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""Quicker to make than the system's list of authorities, for tests that get no further than the address."""
Send = Callable[[dict[str, Any]], Awaitable[None]]


class PhotoServer:
    """Answers by path, and remembers the headers of every request. An ASGI application."""

    def __init__(self) -> None:
        self.seen: list[dict[str, str]] = []
        self.target = ""

    async def __call__(self, scope: dict[str, Any], _: object, send: Send) -> None:
        self.seen.append({name.decode(): value.decode() for name, value in scope["headers"]})
        path = scope["path"].strip("/")
        headers = {"content-type": "image/png", "set-cookie": "seen=1"}
        body, status = PHOTO, 200
        if path == "redirect":
            status, body, headers["location"] = 302, b"", self.target
        elif path == "redirect-nowhere":
            status, body = 302, b""
        elif path == "missing":
            status = 404
        elif path == "page":
            headers["content-type"] = "text/html"
        elif path == "untyped":
            headers["content-type"] = ""
        elif path == "compressed":
            body, headers["content-encoding"] = gzip.compress(PHOTO), "gzip"
        elif path == "long":
            headers["content-length"] = str(ROOM + 1)
        elif path == "silent":
            await asyncio.sleep(3)
        start = {"type": "http.response.start", "status": status}
        await send({**start, "headers": [(name.encode(), value.encode()) for name, value in headers.items()]})
        for _number in range(64 if path in {"endless", "drip"} else 0):
            await send({"type": "http.response.body", "body": bytes(4096), "more_body": True})
            await asyncio.sleep(0.1 if path == "drip" else 0)
        await send({"type": "http.response.body", "body": body})


class Names:
    """A resolver that knows what it is told, and counts."""

    def __init__(self, **known: Sequence[str]) -> None:
        self.known = known
        self.asked: list[str] = []

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        self.asked.append(host)
        if host not in self.known:
            raise OSError("unknown name")
        return self.known[host]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
def shared_server() -> Iterator[tuple[PhotoServer, str]]:
    server = PhotoServer()
    with serving(server) as origin:
        yield server, origin


@pytest.fixture
def server(shared_server: tuple[PhotoServer, str]) -> PhotoServer:
    shared_server[0].seen.clear()
    return shared_server[0]


@pytest.fixture
def origin(shared_server: tuple[PhotoServer, str]) -> str:
    return shared_server[1]


@pytest.fixture
def port(origin: str) -> int:
    return int(origin.rpartition(":")[2])


@pytest.fixture
def names() -> Names:
    return Names(photos=["127.0.0.1"])


@pytest.fixture
async def fetcher(port: int, names: Names) -> AsyncIterator[GuardedFetcher]:
    rules = FetchRules(allow_http=True, allowed_ports=frozenset({9, port}), allowed_networks=LOCAL)
    fetcher = GuardedFetcher(rules, LIMITS, resolve=names, tls=TRUSTS_NOBODY)
    yield fetcher
    await fetcher.close()


async def refusal(fetcher: GuardedFetcher, url: str, **options: Any) -> str:
    """The code with which `url` is not fetched."""
    with pytest.raises(BadInput) as caught:
        await fetcher.fetch(url, **{"max_bytes": ROOM, **options})
    assert caught.value.param == "image_url"
    return caught.value.code


@pytest.mark.parametrize("name", HOSTILE_URLS)
@pytest.mark.parametrize("rules", [FetchRules(), FetchRules(allow_http=True)], ids=["https only", "http too"])
async def test_a_hostile_address_is_refused_before_anything_is_connected(name: str, rules: FetchRules) -> None:
    url, code = HOSTILE_URLS[name]
    fetcher = GuardedFetcher(rules, LIMITS, tls=TRUSTS_NOBODY)
    assert await refusal(fetcher, url) == code
    await fetcher.close()


@pytest.mark.parametrize(
    "address",
    ["10.0.0.1", "127.0.0.1", "169.254.169.254", "100.64.0.1", "::1", "fe80::1%2", "::ffff:10.0.0.1", "fd00::1"],
)
async def test_a_name_is_as_hostile_as_the_worst_of_its_addresses(address: str) -> None:
    fetcher = GuardedFetcher(FetchRules(), LIMITS, resolve=Names(photos=["93.184.215.14", address]))
    assert await refusal(fetcher, "https://photos/1.png") == InputCode.URL_FORBIDDEN
    await fetcher.close()


async def test_a_photo_is_fetched(fetcher: GuardedFetcher, origin: str) -> None:
    assert await fetcher.fetch(f"{origin}/1.png", max_bytes=ROOM) == PHOTO
    assert await fetcher.fetch(f"{origin}/1.png#part", max_bytes=len(PHOTO), allow_types={"image/png"}) == PHOTO


async def test_the_connection_goes_to_the_address_that_was_checked(
    fetcher: GuardedFetcher, server: PhotoServer, names: Names, port: int
) -> None:
    """No rebinding: the name is looked up once, by us, and the system's resolver does not know it at all."""
    assert await fetcher.fetch(f"http://photos:{port}/1.png", max_bytes=ROOM) == PHOTO
    assert names.asked == ["photos"]
    assert server.seen[0]["host"] == f"photos:{port}"


async def test_an_address_that_does_not_answer_is_passed_over(port: int) -> None:
    rules = FetchRules(allow_http=True, allowed_ports=frozenset({port}), allowed_networks=LOCAL)
    fetcher = GuardedFetcher(rules, LIMITS, resolve=Names(photos=["::1", "127.0.0.1"]))
    assert await fetcher.fetch(f"http://photos:{port}/1.png", max_bytes=ROOM) == PHOTO
    await fetcher.close()


async def test_nothing_is_told_but_the_host(fetcher: GuardedFetcher, server: PhotoServer, origin: str) -> None:
    server.target = f"{origin}/1.png"
    await fetcher.fetch(f"{origin}/redirect", max_bytes=ROOM)
    for headers in server.seen:
        assert set(headers) <= {"host", "accept", "accept-encoding", "user-agent", "connection"}
        assert headers["accept-encoding"] == "identity"
    assert len(server.seen) == 2


@pytest.mark.parametrize("target", ["/1.png", "1.png", "http://photos:PORT/1.png", "//photos:PORT/1.png"])
async def test_redirects_are_followed(
    fetcher: GuardedFetcher, server: PhotoServer, origin: str, port: int, target: str
) -> None:
    server.target = target.replace("PORT", str(port))
    assert await fetcher.fetch(f"{origin}/redirect", max_bytes=ROOM) == PHOTO


def can_be_redirected_to(name: str) -> bool:
    url = HOSTILE_URLS[name][0]
    allowed_here = {"loopback", "loopback, trailing dot", "loopback over http", "percent-encoded"}
    return "://" in url and url.isascii() and url.isprintable() and name not in allowed_here


@pytest.mark.parametrize("name", [name for name in HOSTILE_URLS if can_be_redirected_to(name)])
async def test_a_redirect_to_a_hostile_address_is_refused(
    server: PhotoServer, origin: str, port: int, name: str
) -> None:
    """Here only 127.0.0.1 itself is allowed, where the redirect comes from."""
    ports, here = frozenset({80, 443, port}), (ip_network("127.0.0.1"),)
    rules = FetchRules(allow_http=True, allowed_ports=ports, allowed_networks=here)
    names = Names(**{"localhost": ["::1"], "LOCALHOST": ["::1"], "photos.example": ["10.0.0.1"]})
    fetcher = GuardedFetcher(rules, LIMITS, resolve=names, tls=TRUSTS_NOBODY)
    server.target = HOSTILE_URLS[name][0]
    assert await refusal(fetcher, f"{origin}/redirect") in {InputCode.URL_FORBIDDEN, InputCode.URL_INVALID}
    assert len(server.seen) == 1
    await fetcher.close()


@pytest.mark.parametrize("target", ["data:image/png;base64,AAAA", "file:///etc/hostname", "https://photos:1/1.png"])
async def test_a_redirect_cannot_leave_the_web(
    fetcher: GuardedFetcher, server: PhotoServer, origin: str, target: str
) -> None:
    server.target = target
    assert await refusal(fetcher, f"{origin}/redirect") in {InputCode.URL_FORBIDDEN, InputCode.URL_INVALID}
    assert len(server.seen) == 1


async def test_http_is_fetched_only_where_it_is_allowed(port: int) -> None:
    rules = FetchRules(allowed_ports=frozenset({port}), allowed_networks=LOCAL)
    fetcher = GuardedFetcher(rules, LIMITS, tls=TRUSTS_NOBODY)
    assert await refusal(fetcher, f"http://127.0.0.1:{port}/1.png") == InputCode.URL_FORBIDDEN
    await fetcher.close()


async def test_redirects_end(fetcher: GuardedFetcher, server: PhotoServer, origin: str) -> None:
    server.target = "/redirect"
    assert await refusal(fetcher, f"{origin}/redirect") == InputCode.URL_FAILED
    assert len(server.seen) == 1 + LIMITS.fetch_max_redirects


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("missing", InputCode.URL_FAILED),
        ("redirect-nowhere", InputCode.URL_FAILED),
        ("page", InputCode.URL_FAILED),
        ("untyped", InputCode.URL_FAILED),
        ("compressed", InputCode.URL_FAILED),
        ("silent", InputCode.URL_FAILED),
        ("drip", InputCode.URL_FAILED),
        ("long", InputCode.IMAGE_TOO_LARGE),
        ("endless", InputCode.IMAGE_TOO_LARGE),
    ],
)
async def test_a_bad_answer_has_its_code(fetcher: GuardedFetcher, origin: str, path: str, code: InputCode) -> None:
    room = 1024 * 1024 if path == "drip" else ROOM
    assert await refusal(fetcher, f"{origin}/{path}", max_bytes=room) == code


async def test_only_the_asked_types_are_taken(fetcher: GuardedFetcher, origin: str) -> None:
    assert await refusal(fetcher, f"{origin}/1.png", allow_types={"image/webp"}) == InputCode.URL_FAILED


async def test_an_unknown_name_and_a_closed_port_fail(fetcher: GuardedFetcher, names: Names, port: int) -> None:
    names.known = {"closed": ["127.0.0.1"], "empty": []}
    for host in (f"unknown:{port}", f"empty:{port}", "closed:9"):
        assert await refusal(fetcher, f"http://{host}/1.png") == InputCode.URL_FAILED


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ssl.SSLContext]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "photos.test")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("photos.test")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "photos.pem"
    plain = serialization.NoEncryption()
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    path.write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM))
    return path, ssl.create_default_context(cadata=certificate.public_bytes(serialization.Encoding.PEM).decode())


@pytest.fixture(scope="module")
def tls_port(tls: tuple[Path, ssl.SSLContext]) -> Iterator[int]:
    with serving(PhotoServer(), ssl_certfile=str(tls[0])) as origin:
        yield int(origin.rpartition(":")[2])


@pytest.mark.parametrize(("host", "is_fetched"), [("photos.test", True), ("other.test", False), ("127.0.0.1", False)])
async def test_the_certificate_must_be_the_names(
    tls: tuple[Path, ssl.SSLContext], tls_port: int, host: str, is_fetched: bool
) -> None:
    """Although the connection goes to an address, host name and certificate stay the name's."""
    rules = FetchRules(allowed_ports=frozenset({tls_port}), allowed_networks=LOCAL)
    known = Names(**{"photos.test": ["127.0.0.1"], "other.test": ["127.0.0.1"]})
    fetcher = GuardedFetcher(rules, LIMITS, resolve=known, tls=tls[1])
    url = f"https://{host}:{tls_port}/1.png"
    if is_fetched:
        assert await fetcher.fetch(url, max_bytes=ROOM) == PHOTO
    else:
        assert await refusal(fetcher, url) == InputCode.URL_FAILED
    await fetcher.close()


@given(st.ip_addresses(v=4))
def test_a_public_ipv4_address_is_global_for_the_standard_library_too(address: IPv4Address) -> None:
    if is_public(address):
        assert address.is_global
        assert not address.is_multicast


@given(st.ip_addresses(v=6))
def test_a_public_ipv6_address_is_global_unicast(address: IPv6Address) -> None:
    if is_public(address):
        assert address.is_global
        assert not address.is_multicast
        assert address.sixtofour is None
        assert address.teredo is None


@given(st.ip_addresses(v=4))
def test_nat64_is_as_public_as_the_address_inside(address: IPv4Address) -> None:
    assert is_public(IPv6Address((0x64FF9B << 96) | int(address))) == is_public(address)


@pytest.mark.parametrize("text", ["8.8.8.8", "172.32.0.1", "100.128.0.1", "169.253.1.1", "2606:4700::1111", "2a00::1"])
def test_ordinary_addresses_are_public(text: str) -> None:
    kind = IPv6Address if ":" in text else IPv4Address
    assert is_public(kind(text))


@given(st.binary(max_size=400))
def test_a_data_address_is_decoded(content: bytes) -> None:
    url = "data:image/png;base64," + base64.b64encode(content).decode()
    assert decode_data_url(url, max_bytes=400) == content
    assert decode_data_url(url.replace("data:image/png;", "DATA:Image/PNG;name=a.png;"), max_bytes=400) == content


@given(st.text(max_size=60))
def test_any_other_text_is_no_data_address(text: str) -> None:
    with pytest.raises(BadInput):
        decode_data_url(text, max_bytes=400)


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("data:image/png;base64,QUJ", InputCode.IMAGE_ENCODING),
        ("data:image/png;base64,QUI=QUI=", InputCode.IMAGE_ENCODING),
        ("data:image/png;base64,QUJD\n", InputCode.IMAGE_ENCODING),
        ("data:image/png;base64,QU-_", InputCode.IMAGE_ENCODING),
        ("data:image/png;base64,QUJ%44", InputCode.IMAGE_ENCODING),
        ("data:image/png;base64,QQB=", InputCode.IMAGE_ENCODING),
        ("data:image/png;base64,QUJDЖ", InputCode.IMAGE_ENCODING),
        ("data:image/png,QUJD", InputCode.IMAGE_ENCODING),
        ("data:image/png;base64", InputCode.IMAGE_ENCODING),
        ("data:;base64,QUJD", InputCode.IMAGE_ENCODING),
        ("data:text/plain;base64,QUJD", InputCode.IMAGE_ENCODING),
        (f"data:image/png;{'a=b;' * 200}base64,QUJD", InputCode.IMAGE_ENCODING),
        ("data:image/gif;base64,QUJD", InputCode.IMAGE_UNSUPPORTED),
        ("data:image/png;base64,QUJDREVGRw==", InputCode.IMAGE_TOO_LARGE),
        (f"data:image/png;base64,{'@' * 4000}", InputCode.IMAGE_TOO_LARGE),
    ],
)
def test_a_bad_data_address_has_its_code(url: str, code: InputCode) -> None:
    with pytest.raises(BadInput) as caught:
        decode_data_url(url, max_bytes=6, allow_types={"image/png"})
    assert caught.value.code == code


async def test_fetch_decodes_a_data_address_without_any_connection(fetcher: GuardedFetcher, names: Names) -> None:
    url = "data:image/png;base64," + base64.b64encode(PHOTO).decode()
    assert await fetcher.fetch(url, max_bytes=ROOM) == PHOTO
    assert await refusal(fetcher, url, max_bytes=10) == InputCode.IMAGE_TOO_LARGE
    assert names.asked == []
