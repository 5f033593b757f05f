"""NCMEC hash sharing, version 2: XML pages of entries with their fingerprints, and of entries that were deleted.

Source: NCMEC's hash-sharing API as member clients use it: `GET /v2/entries?from=…&to=…` answers `queryResult` with
`images` and `videos`, each entry with member, id, timestamp and fingerprints, a deleted one with member and id alone,
and `paging/next` where there is more. The address of the next page dies after twelve hours: then a run begins anew at
its first moment, which changes nothing that was taken in.
"""

import json
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urljoin
from xml.etree.ElementTree import Element

import defusedxml.ElementTree
from defusedxml.common import DefusedXmlException

from safelight.matching.errors import ExchangeFailed
from safelight.matching.exchanges.http import ExchangeClient
from safelight.matching.exchanges.ports import Page
from safelight.matching.fingerprints import HashKind, parse_hash
from safelight.matching.model import Entry, item_of

PRODUCTION_URL = "https://report.cybertip.org/hashsharing"
_KINDS: Mapping[str, HashKind] = {"md5": HashKind.MD5, "sha1": HashKind.SHA1, "pdq": HashKind.PDQ}
_NEXT_LIVES_S = 11 * 3600
_PAGES_MAX = 100_000
_OVERLAP = timedelta(seconds=1)


class Ncmec:
    """One environment of the list (hotlines, industry, exploitative, generative AI), as an exchange."""

    def __init__(
        self, client: ExchangeClient, base_url: str, *, environment: str = "ngo", now: Callable[[], float] = time.time
    ) -> None:
        self.name = f"ncmec {environment} {client.mark}"
        self._client = client
        self._base = base_url.rstrip("/") + "/"
        self._now = now

    @classmethod
    def connect(cls, base_url: str, *, user: str, password: str, environment: str = "ngo", **more: Any) -> "Ncmec":
        """With the member's user and password. Raises NotStartable."""
        return cls(ExchangeClient(base_url, auth=(user, password), **more), base_url, environment=environment)

    def close(self) -> None:
        """Let go of the connections."""
        self._client.close()

    def pages(self, checkpoint: str) -> Iterator[Page]:
        """Everything that changed since. Raises ExchangeFailed."""
        start, address, latest = self._begin(checkpoint)
        to = datetime.fromtimestamp(self._now(), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        address = address or urljoin(self._base, "v2/entries") + f"?to={to}" + (f"&from={start}" if start else "")
        seen: set[str] = set()
        for _ in range(_PAGES_MAX):
            seen.add(address)
            root = _parsed(self._client.send("GET", address))
            aside: Counter[str] = Counter()
            entries, gone = _content(root, aside)
            latest = max([latest, *(entry.at_s for entry in entries), *gone.values()])
            address = urljoin(self._base, next((e.text or "" for e in root.iter() if _tag(e) == "next"), ""))
            if address == self._base:
                # The next run looks at the last second again: two entries may share it.
                begin = (
                    (datetime.fromtimestamp(latest, UTC) - _OVERLAP).strftime("%Y-%m-%dT%H:%M:%SZ") if latest else start
                )
                yield Page(entries, json.dumps({"from": begin}), dict(aside), gone)
                return
            if address in seen:
                raise ExchangeFailed("NCMEC named a page that was read already; try again later.")
            kept = {"from": start, "next": address, "at": int(self._now()), "latest": latest}
            yield Page(entries, json.dumps(kept), dict(aside), gone)
        raise ExchangeFailed(f"NCMEC gave more than {_PAGES_MAX} pages; try again later.")

    def send_feedback(self, member: str, entry: str, kind: HashKind, *, agrees: bool) -> None:
        """Say whether an entry's classification is right. Raises ExchangeFailed."""
        vote = "affirmative" if agrees else "negative"
        path = urljoin(self._base, f"v2/entries/{int(member)}/{_plain(entry)}/{kind.value}/feedback")
        self._client.send("POST", path, content=f"<feedback><{vote}/></feedback>", headers={"content-type": "text/xml"})

    def _begin(self, checkpoint: str) -> tuple[str, str, int]:
        if not checkpoint:
            return "", "", 0
        kept = json.loads(checkpoint)
        if self._now() - int(kept.get("at", 0)) > _NEXT_LIVES_S:
            return str(kept["from"]), "", 0
        return str(kept["from"]), str(kept.get("next", "")), int(kept.get("latest", 0))


def _parsed(body: bytes) -> Element:
    """The document. A DOCTYPE is refused before it is read: entities could make a small answer a huge one."""
    try:
        root: Element = defusedxml.ElementTree.fromstring(body, forbid_dtd=True)
    except (DefusedXmlException, SyntaxError, ValueError, LookupError) as error:
        raise ExchangeFailed(f"NCMEC answered with XML that is not taken ({type(error).__name__}).") from error
    if _tag(root) != "queryResult":
        raise ExchangeFailed("NCMEC answered with another document than agreed; try again later.")
    return root


def _content(root: Element, aside: Counter[str]) -> tuple[tuple[Entry, ...], dict[int, int]]:
    entries: list[Entry] = []
    gone: dict[int, int] = {}
    for element in root.iter():
        if _tag(element) in ("deletedImage", "deletedVideo"):
            item, at_s = _identity(element)
            gone[item] = max(at_s, gone.get(item, 0))
        elif _tag(element) in ("image", "video"):
            item, at_s = _identity(element)
            for holder in element:
                if _tag(holder) == "fingerprints":
                    entries += (e for one in holder if (e := _entry(one, item, at_s, aside)))
    return tuple(entries), gone


def _entry(element: Element, item: int, at_s: int, aside: Counter[str]) -> Entry | None:
    kind = _KINDS.get(_tag(element).lower())
    if kind is None:
        aside[_tag(element)[:80]] += 1
        return None
    try:
        return Entry(kind, parse_hash(kind, (element.text or "").strip()), at_s=at_s, item=item)
    except ValueError:
        aside[f"{kind.value} that does not parse"] += 1
        return None


def _identity(element: Element) -> tuple[int, int]:
    """The entry's item and time. Raises ExchangeFailed where it says neither."""
    parts = {_tag(child): child for child in element}
    try:
        name = f"{parts['member'].attrib['id']} {parts['id'].text}"
        return item_of(name), int(datetime.fromisoformat((parts["timestamp"].text or "").strip()).timestamp())
    except (KeyError, ValueError) as error:
        raise ExchangeFailed(
            "NCMEC sent an entry without member, id or timestamp; its page was not taken in."
        ) from error


def _tag(element: Element) -> str:
    """Without the name space, which differs between versions."""
    return str(element.tag).rpartition("}")[2]


def _plain(text: str) -> str:
    if not text or not all(character.isalnum() or character in "-_." for character in text):
        raise ExchangeFailed("This is no name of an entry.")
    return text
