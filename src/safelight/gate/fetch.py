"""Fetches an image from an address that a stranger wrote, without becoming the stranger's hand inside the network.

Rules
- https, and http only where the settings say so; the usual ports; no user name or password in the address.
- The name is resolved once, every address that it has must be public, and the connection goes to the very address that
  was looked at: a name that answers differently a moment later changes nothing. Host and certificate stay the name's.
- Redirects are followed by hand, each hop under the same rules, as many as the limit says.
- No cookies, no proxies, no reused connections, no compression; size bounded while it arrives, time bounded in all.
- A data: address is decoded, never fetched, and only where the asker wrote it: a redirect to one is forbidden.

What is left to others: whether the bytes are an image that may pass (`signals/image/decode.py`).
"""

import asyncio
import binascii
import re
import socket
import ssl
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

import httpx2
import pybase64

from safelight.core.errors import BadInput, InputCode
from safelight.core.limits import DEFAULT_LIMITS, Limits

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""Gives every address of a host name and port. Raises OSError where there is none."""

# IANA IPv4 Special-Purpose Address Registry and multicast; 168.63.129.16 is the metadata service of one large cloud,
# which lies among public addresses (the others' are link-local, shared or private).
_NOT_PUBLIC_4 = tuple(
    IPv4Network(text)
    for text in [
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "168.63.129.16/32",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.31.196.0/24",
        "192.52.193.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "192.175.48.0/24",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
    ]
)
# RFC 4291, RFC 6890: global unicast is 2000::/3; within it lie protocol assignments (Teredo among them),
# documentation and 6to4, which hides an IPv4 address. Mapped addresses lie outside, so they are not public.
_GLOBAL_6 = IPv6Network("2000::/3")
_NOT_PUBLIC_6 = tuple(IPv6Network(text) for text in ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"))
_NAT64 = IPv6Network("64:ff9b::/96")  # RFC 6052: what an IPv6-only machine is told for a host that has only IPv4

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_ADDRESSES_MAX_COUNT = 4
_URL_MAX_CHARS = 8192
_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_HOST_NAME = re.compile(rf"{_LABEL}(?:\.{_LABEL}){{0,126}}")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
_DATA_HEAD = re.compile(r"data:(image/[a-z0-9.+-]{1,64})(?:;[a-z0-9-]{1,32}=[a-z0-9.-]{1,32}){0,4};base64")


@dataclass(frozen=True, slots=True)
class FetchRules:
    """What may be fetched from; the defaults suit a service on the public internet."""

    allow_http: bool = False
    allowed_ports: frozenset[int] = frozenset({80, 443})
    allowed_networks: tuple[Network, ...] = ()
    """Networks that may be fetched from although they are not public: an intranet, or a test's loopback."""


def decode_data_url(
    url: str, *, max_bytes: int, allow_types: Collection[str] | None = None, param: str | None = None
) -> bytes:
    """The image in a `data:image/…;base64,…` address (RFC 2397), strictly: standard alphabet, padded, one spelling.

    Raises BadInput: IMAGE_TOO_LARGE before anything is decoded, IMAGE_UNSUPPORTED for a type not in `allow_types`
    (None: any image), IMAGE_ENCODING for the rest.
    """
    head, comma, text = url.partition(",")
    found = _DATA_HEAD.fullmatch(head[:400].lower()) if len(head) <= 400 else None
    if not comma or found is None:
        message = "A data: address must read data:image/TYPE;base64, and then the image in base64."
        raise BadInput(InputCode.IMAGE_ENCODING, message, param=param)
    if allow_types is not None and found[1] not in allow_types:
        raise BadInput(InputCode.IMAGE_UNSUPPORTED, f"Send one of {', '.join(sorted(allow_types))}.", param=param)
    if len(text) > (max_bytes + 2) // 3 * 4:
        raise _too_large(max_bytes, param)
    try:
        content = pybase64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        message = "The base64 of this data: address does not decode; use the standard alphabet, with padding."
        raise BadInput(InputCode.IMAGE_ENCODING, message, param=param) from error
    if len(content) > max_bytes:
        raise _too_large(max_bytes, param)
    # The bits that padding leaves over must be zero (RFC 4648, 3.5), or one image would have several spellings.
    if pybase64.b64encode(content[-(len(content) % 3 or 3) :]).decode() != text[-4:]:
        raise BadInput(InputCode.IMAGE_ENCODING, "The base64 of this data: address has stray last bits.", param=param)
    return content


def is_public(address: Address) -> bool:
    """Whether `address` belongs to the public internet, the address inside a NAT64 one included."""
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _NOT_PUBLIC_4)
    if address in _NAT64:
        return is_public(IPv4Address(int(address) & 0xFFFF_FFFF))
    return address in _GLOBAL_6 and not any(address in network for network in _NOT_PUBLIC_6)


async def resolve_by_system(host: str, port: int) -> Sequence[str]:
    """Every address that the system's resolver gives."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
    return tuple(dict.fromkeys(str(sockaddr[0]) for *_, sockaddr in found))


class GuardedFetcher:
    """Fetches images by address. One for the service; opens a new connection for each hop."""

    def __init__(
        self,
        rules: FetchRules | None = None,
        limits: Limits = DEFAULT_LIMITS,
        *,
        resolve: Resolve = resolve_by_system,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """`tls` replaces the system's trusted certificates, for an intranet's own authority."""
        self._rules = rules or FetchRules()
        self._limits = limits
        self._resolve = resolve
        # Keep-alive would let a connection opened under one name be used for another name at the same address. The
        # bare transport, unlike a client, knows no cookies, no redirects and no decompression.
        pool = httpx2.Limits(max_connections=limits.in_flight_max_count, max_keepalive_connections=0)
        self._transport = httpx2.AsyncHTTPTransport(verify=tls or True, limits=pool, trust_env=False)

    async def fetch(
        self, url: str, *, max_bytes: int, allow_types: Collection[str] | None = None, param: str = "image_url"
    ) -> bytes:
        """The image at `url`, whose media type must be one of `allow_types` (None: any `image/…`).

        Raises BadInput about `param`: URL_INVALID, URL_FORBIDDEN, URL_FAILED, IMAGE_TOO_LARGE, and for a data:
        address what `decode_data_url` raises.
        """
        if url[:5].lower() == "data:":
            return decode_data_url(url, max_bytes=max_bytes, allow_types=allow_types, param=param)
        try:
            async with asyncio.timeout(self._limits.fetch_timeout_s):
                return await self._follow(url, max_bytes, allow_types, param)
        except (TimeoutError, httpx2.TimeoutException) as error:
            raise _failed("It did not answer in time.", param) from error
        except httpx2.TransportError as error:
            raise _failed("The connection failed.", param) from error

    async def close(self) -> None:
        """Close what is still open."""
        await self._transport.aclose()

    async def _follow(self, text: str, max_bytes: int, allow_types: Collection[str] | None, param: str) -> bytes:
        url = _parsed(text, param)
        for _ in range(self._limits.fetch_max_redirects + 1):
            response = await self._get(url, await self._checked_addresses(url, param))
            try:
                if response.status_code not in _REDIRECTS:
                    return await _read(response, max_bytes, allow_types, param)
                location = response.headers.get("location", "")
            finally:
                await response.aclose()
            if not location:
                raise _failed("It redirects to nowhere.", param)
            url = _parsed(location, param, base=url)
        raise _failed(f"It redirects more than {self._limits.fetch_max_redirects} times.", param)

    async def _checked_addresses(self, url: httpx2.URL, param: str) -> tuple[Address, ...]:
        """Every address of `url`'s host, once scheme, port and all of the addresses have been found in order."""
        if url.scheme != "https" and not (url.scheme == "http" and self._rules.allow_http):
            raise _forbidden("Use an https address.", param)
        port = _port(url)
        if port not in self._rules.allowed_ports:
            raise _forbidden(f"Port {port} is not fetched from; use the usual one.", param)
        host = url.raw_host.decode("ascii").removesuffix(".")
        addresses = _literal(host, param) or await self._resolved(host, port, param)
        for address in addresses:
            if not (is_public(address) or any(address in network for network in self._rules.allowed_networks)):
                raise _forbidden("It does not lie on the public internet; send the image itself.", param)
        return addresses

    async def _resolved(self, host: str, port: int, param: str) -> tuple[Address, ...]:
        try:
            addresses = tuple(ip_address(text) for text in await self._resolve(host, port))
        except (OSError, ValueError) as error:
            raise _failed("Its name is not known.", param) from error
        if not addresses:
            raise _failed("Its name has no address.", param)
        return addresses

    async def _get(self, url: httpx2.URL, addresses: Sequence[Address]) -> httpx2.Response:
        """Ask the first of `addresses` that can be connected to; the request names the host, not the address."""
        host = url.raw_host.decode("ascii")
        within_s = self._limits.fetch_timeout_s
        tried = addresses[:_ADDRESSES_MAX_COUNT]
        for number, address in enumerate(tried, start=1):
            request = httpx2.Request(
                "GET",
                url.copy_with(host=str(address), fragment=None),
                headers={
                    "host": url.netloc.decode("ascii"),
                    "accept": "image/*",
                    "accept-encoding": "identity",
                    "user-agent": "Safelight",
                },
                extensions={
                    "sni_hostname": host.removesuffix("."),
                    "timeout": dict.fromkeys(("connect", "read", "write", "pool"), within_s),
                },
            )
            try:
                return await self._transport.handle_async_request(request)
            except (httpx2.ConnectError, httpx2.ConnectTimeout):
                if number == len(tried):
                    raise
        raise ValueError("no address to ask")


def _parsed(text: str, param: str, *, base: httpx2.URL | None = None) -> httpx2.URL:
    if len(text) > _URL_MAX_CHARS or not text.isprintable() or any(c in text for c in ' \\"<>^`{|}'):
        raise _invalid("It is too long, or holds characters that no address has.", param)
    try:
        url = httpx2.URL(text) if base is None else base.join(text)
        host = url.raw_host.decode("ascii")
    except (httpx2.InvalidURL, UnicodeError, ValueError) as error:
        raise _invalid("It cannot be read as an address.", param) from error
    if not url.scheme or not host:
        raise _invalid("It needs a scheme and a host, as in https://example.org/photo.png.", param)
    if url.userinfo:
        raise _forbidden("It holds a user name or a password.", param)
    return url


def _literal(host: str, param: str) -> tuple[Address, ...]:
    """The address that `host` spells, if it is one; empty for a name.

    A last label that is a number makes the host an IPv4 address (WHATWG URL, "ends in a number"), and some resolvers
    read octal, hexadecimal or shortened ones. Only the plain spelling is accepted.
    """
    if ":" in host:
        if "%" in host:
            raise _invalid("An IPv6 zone means something only on the asker's own machine.", param)
        try:
            return (IPv6Address(host),)
        except ValueError as error:
            raise _invalid("Its IPv6 address cannot be read.", param) from error
    if _NUMBER.fullmatch(host.lower().rpartition(".")[2]):
        try:
            return (IPv4Address(host),)
        except ValueError as error:
            raise _forbidden("Its IP address is spelt in an unusual way.", param) from error
    if len(host) > 253 or not _HOST_NAME.fullmatch(host.lower()):
        raise _invalid("Its host is no name.", param)
    return ()


async def _read(response: httpx2.Response, max_bytes: int, allow_types: Collection[str] | None, param: str) -> bytes:
    if response.status_code != 200:
        raise _failed(f"It answered with HTTP {response.status_code}.", param)
    media_type = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    if not (media_type.startswith("image/") if allow_types is None else media_type in allow_types):
        raise _failed("It does not answer with an image.", param)
    if response.headers.get("content-encoding", "identity").strip().lower() != "identity":
        raise _failed("It answered compressed, although it was asked not to.", param)
    length = response.headers.get("content-length", "")
    if length.isdecimal() and int(length[:20]) > max_bytes:
        raise _too_large(max_bytes, param)
    content = bytearray()
    async for chunk in response.aiter_raw():
        content += chunk
        if len(content) > max_bytes:
            raise _too_large(max_bytes, param)
    return bytes(content)


def _port(url: httpx2.URL) -> int:
    return url.port or {"http": 80}.get(url.scheme, 443)


def _invalid(what: str, param: str) -> BadInput:
    return BadInput(InputCode.URL_INVALID, f"This is no address to fetch an image from. {what}", param=param)


def _forbidden(what: str, param: str) -> BadInput:
    return BadInput(InputCode.URL_FORBIDDEN, f"The gate does not fetch from this address. {what}", param=param)


def _failed(what: str, param: str) -> BadInput:
    return BadInput(
        InputCode.URL_FAILED, f"The image could not be fetched. {what} Or send the image itself.", param=param
    )


def _too_large(max_bytes: int, param: str | None) -> BadInput:
    message = f"The image is larger than {max_bytes} bytes; send a smaller one."
    return BadInput(InputCode.IMAGE_TOO_LARGE, message, param=param)
