"""Addresses that the gate must not fetch from, by name, each with the code that says so.

None of them needs the network: each is refused before a name is resolved, or its name is in the local hosts file.
The codes hold whether http is allowed or not.
"""

from collections.abc import Mapping

from safelight.core.errors import InputCode

_FORBIDDEN = InputCode.URL_FORBIDDEN
_INVALID = InputCode.URL_INVALID

_ADDRESSES = {
    "loopback": "127.0.0.1",
    "loopback, another": "127.8.9.10",
    "loopback, trailing dot": "127.0.0.1.",
    "this host": "0.0.0.0",  # noqa: S104 - an address to refuse, not to bind
    "private, class A": "10.1.2.3",
    "private, class B": "172.16.0.1",
    "private, class B, last": "172.31.255.255",
    "private, class C": "192.168.1.1",
    "link-local": "169.254.10.20",
    "cloud metadata": "169.254.169.254",
    "cloud metadata, on a public address": "168.63.129.16",
    "cloud metadata, on a shared address": "100.100.100.200",
    "carrier-grade NAT": "100.64.0.1",
    "protocol assignments": "192.0.0.192",
    "documentation": "203.0.113.7",
    "benchmarking": "198.18.0.1",
    "6to4 relay": "192.88.99.1",
    "multicast": "224.0.0.1",
    "reserved": "240.0.0.1",
    "broadcast": "255.255.255.255",
    "shortened": "127.1",
    "one decimal number": "2130706433",
    "hexadecimal": "0x7f000001",
    "hexadecimal, shortened": "0x7f.1",
    "octal, shortened": "0177.1",
    "number as the last label": "photos.example.0x7f",
    "ideographic full stops": "127。0。0。1",
    "percent-encoded": "%31%32%37.0.0.1",
    "IPv6 loopback": "[::1]",
    "IPv6 loopback, written out": "[0:0:0:0:0:0:0:1]",
    "IPv6 unspecified": "[::]",
    "IPv6 link-local": "[fe80::1]",
    "IPv6 unique local": "[fd00:ec2::254]",
    "IPv6 site-local": "[fec0::1]",
    "IPv6 multicast": "[ff02::1]",
    "IPv6 documentation": "[2001:db8::1]",
    "IPv4-mapped": "[::ffff:127.0.0.1]",
    "IPv4-mapped, hexadecimal": "[::ffff:7f00:1]",
    "IPv4-compatible": "[::127.0.0.1]",
    "IPv4-translated": "[::ffff:0:127.0.0.1]",
    "6to4": "[2002:7f00:1::]",
    "Teredo": "[2001:0:7f00:1::1]",
    "NAT64": "[64:ff9b::127.0.0.1]",
    "NAT64, local prefix": "[64:ff9b:1::7f00:1]",
    "local name": "localhost",
    "local name, trailing dot": "localhost.",
    "local name, upper case": "LOCALHOST",
}

HOSTILE_URLS: Mapping[str, tuple[str, InputCode]] = {
    **{name: (f"https://{host}/photo.png", _FORBIDDEN) for name, host in _ADDRESSES.items()},
    "octal": ("https://0177.0.0.1/photo.png", _INVALID),
    "full-width digits": ("https://１２７.0.0.1/photo.png", _INVALID),
    "IPv6 zone": ("https://[fe80::1%25eth0]/photo.png", _INVALID),
    "loopback over http": ("http://127.0.0.1/photo.png", _FORBIDDEN),
    "user name and password": ("https://user:secret@photos.example/photo.png", _FORBIDDEN),
    "user name that looks like a host": ("https://photos.example@127.0.0.1/photo.png", _FORBIDDEN),
    "database port": ("https://photos.example:5432/photo.png", _FORBIDDEN),
    "file": ("file:///etc/hostname", _INVALID),
    "file on a host": ("file://localhost/etc/hostname", _FORBIDDEN),
    "ftp": ("ftp://photos.example/photo.png", _FORBIDDEN),
    "gopher": ("gopher://127.0.0.1:6379/_PING", _FORBIDDEN),
    "script": ("javascript:alert(1)", _INVALID),
    "no scheme": ("photos.example/photo.png", _INVALID),
    "scheme-relative": ("//photos.example/photo.png", _INVALID),
    "no host": ("https:///photo.png", _INVALID),
    "empty": ("", _INVALID),
    "backslash": ("https://photos.example\\@127.0.0.1/photo.png", _INVALID),
    "line break": ("https://photos.example/photo.png\r\nX-Injected: 1", _INVALID),
    "NUL": ("https://photos.example\x00.internal/photo.png", _INVALID),
    "space": ("https://photos.example /photo.png", _INVALID),
    "unclosed bracket": ("https://[::1/photo.png", _INVALID),
    "port that is no number": ("https://photos.example:port/photo.png", _INVALID),
    "port beyond the last": ("https://photos.example:99999/photo.png", _FORBIDDEN),
    "label too long": (f"https://{'a' * 64}.example/photo.png", _INVALID),
    "empty label": ("https://photos..example/photo.png", _INVALID),
    "address too long": (f"https://photos.example/{'a' * 9000}", _INVALID),
    "data: without base64": ("data:image/png,hello", InputCode.IMAGE_ENCODING),
    "data: of another kind": ("data:text/html;base64,PGI+", InputCode.IMAGE_ENCODING),
    "data: with bad base64": ("data:image/png;base64,@@@@", InputCode.IMAGE_ENCODING),
}
