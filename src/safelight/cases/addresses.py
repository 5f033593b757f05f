"""One spelling of a web address, for telling whether two people mean the same place.

Rules of this module
- The platform is told the address as the person gave it; only the digest that places are compared by is made of this.
- What may name another picture stays: the path, its case, and every parameter that is no note of an advertiser.
"""

from urllib.parse import parse_qsl, urlencode

import httpx2

_NOTES = "utm_"
"""How the parameters begin that say by which way somebody came."""
_ROUTES = ("/", "!")
"""How a fragment begins that is a page of its own, in an application that runs in the browser."""


def same_address(address: str) -> str:
    """Equal for addresses of one place. What cannot be read as an address is itself."""
    try:
        url = httpx2.URL(address.strip())
        host = url.raw_host.decode("ascii")
        path = url.raw_path.partition(b"?")[0].decode("ascii").rstrip("/")
    except (httpx2.InvalidURL, ValueError):
        return address.strip()
    if not host:
        return address.strip()
    pairs = parse_qsl(url.query.decode("ascii"), keep_blank_values=True)
    query = urlencode([(name, said) for name, said in pairs if not name.lower().startswith(_NOTES)])
    fragment = url.fragment if url.fragment.startswith(_ROUTES) else ""
    port = f":{url.port}" if url.port else ""
    # Whoever serves a picture in clear serves the same one encrypted.
    return f"https://{host}{port}{path}{'?' + query if query else ''}{'#' + fragment if fragment else ''}"
