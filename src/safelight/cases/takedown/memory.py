"""A platform in memory, as a real one should behave: for tests, and to read.

It has posts with pictures, finds copies by their hash and crops by their features, follows commands in their order,
hides by itself what it was told to watch when the time is up, hands out pictures when asked, and can be out of order.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property

import cv2

from safelight.cases.draft import Contact, Place, PlaceKind
from safelight.cases.model import Party
from safelight.cases.takedown.ports import Command, Confirmed, DeliveryFailed, Order, Parcel
from safelight.matching.copies import LIGHT, Features, features, same_picture
from safelight.matching.fingerprints import HashKind
from safelight.matching.index.layout import MAX_RADIUS
from safelight.matching.pdq import Frame, Pdq, distance, pdq


@dataclass
class Posted:
    """One post with a picture."""

    frame: Frame = field(repr=False)
    forms: tuple[bytes, ...]
    """Its hash as it is, mirrored and turned; none for a picture without detail."""
    case_id: str = ""
    is_hidden: bool = False
    hide_at: datetime | None = None
    request_id: str = ""
    """The request to Safelight that the picture came from, as the platform noted it."""

    @cached_property
    def features(self) -> Features:
        """What crops of it are found by."""
        return features(self.frame, LIGHT)


@dataclass
class MemoryPlatform:
    """Keeps posts by id. `shows` is what a visitor sees."""

    clock: Callable[[], datetime]
    posts: dict[str, Posted] = field(default_factory=dict)
    is_dead: bool = False
    """Answers nothing."""
    done: dict[str, Confirmed] = field(default_factory=dict)
    """By command, so that a repetition changes nothing."""
    sequences: dict[str, int] = field(default_factory=dict)
    commands: list[Command] = field(default_factory=list)
    hands_out: bool = False
    """Whether it gives pictures to whoever is to keep them down."""

    def publish(self, post: str, frame: Frame, request_id: str = "") -> None:
        """Show a picture."""
        hashed = pdq(frame)
        forms = tuple(form for _, form in hashed.forms) if isinstance(hashed, Pdq) else ()
        self.posts[post] = Posted(frame, forms, request_id=request_id)

    def shows(self, post: str) -> bool:
        """Whether a visitor sees it now."""
        posted = self.posts[post]
        is_due = posted.hide_at is not None and posted.hide_at <= self.clock()
        return not posted.is_hidden and not is_due

    async def carry_out(self, command: Command) -> Confirmed:
        """As the port says."""
        if self.is_dead:
            raise DeliveryFailed("The platform is out of order.")
        if command.id in self.done:
            return self.done[command.id]
        self.commands.append(command)
        if self.sequences.get(command.case_id, 0) > command.sequence:
            return Confirmed()
        self.sequences[command.case_id] = command.sequence
        named = {place.value for place in command.places}
        meant = named | self._copies(command, named)
        for post, posted in self.posts.items():
            if post in meant or (command.order is Order.RESTORE and posted.case_id == command.case_id):
                posted.case_id = command.case_id
                posted.is_hidden = command.order in (Order.HIDE, Order.REMOVE)
                posted.hide_at = command.hide_at if command.order is Order.WATCH else None
        copies = tuple(Place(PlaceKind.POST, post) for post in sorted(meant - named) if post in self.posts)
        self.done[command.id] = Confirmed(copies, has_picture=self.hands_out)
        return self.done[command.id]

    async def picture(self, request_id: str, place: Place) -> bytes | None:  # noqa: ARG002 (for logs of real ones)
        """As the port says; a PNG."""
        if self.is_dead:
            raise DeliveryFailed("The platform is out of order.")
        posted = self.posts.get(place.value)
        return bytes(cv2.imencode(".png", posted.frame[..., ::-1])[1].tobytes()) if posted and self.hands_out else None

    def _copies(self, command: Command, named: set[str]) -> set[str]:
        asked = [one.value for one in command.fingerprints if one.kind is HashKind.PDQ]
        originals = [self.posts[post] for post in named if post in self.posts]
        asked += [original.forms[0] for original in originals if original.forms]
        return {
            post
            for post, posted in self.posts.items()
            if (posted.request_id and posted.request_id in command.requests)
            or any(distance(form, one) <= MAX_RADIUS for form in posted.forms for one in asked)
            or any(same_picture(posted.features, original.features) for original in originals)
        }


@dataclass
class MemoryPost:
    """Keeps every parcel, and counts what came more than once."""

    is_safe: bool = True
    """Whether it tells repetitions."""
    is_dead: bool = False
    parcels: dict[str, Parcel] = field(default_factory=dict)
    repetitions: int = 0

    def takes(self, party: Party, to: Contact | None) -> bool:  # noqa: ARG002 (anybody)
        """As the port says."""
        return True

    def repeats_safely(self, parcel: Parcel) -> bool:  # noqa: ARG002
        """As the port says."""
        return self.is_safe

    async def send(self, parcel: Parcel) -> None:
        """As the port says."""
        if self.is_dead:
            raise DeliveryFailed("The post is out of order.")
        self.repetitions += parcel.id in self.parcels
        self.parcels.setdefault(parcel.id, parcel)


class NoPlatform:
    """Where no platform was set up: nothing is confirmed, and whoever looks at the effects sees why."""

    async def carry_out(self, command: Command) -> Confirmed:
        """Always fails."""
        raise DeliveryFailed(
            f"No platform is connected, so nobody was told to {command.order.value} this: set SAFELIGHT_PLATFORM_URL."
        )

    async def picture(self, request_id: str, place: Place) -> bytes | None:  # noqa: ARG002 (there is nobody to ask)
        """There is none."""
        return None


class NoPost:
    """Where no post was set up: letters are read with the receipt only."""

    def takes(self, party: Party, to: Contact | None) -> bool:  # noqa: ARG002 (nobody)
        """Nothing."""
        return False

    def repeats_safely(self, parcel: Parcel) -> bool:  # noqa: ARG002
        """Nothing is sent, however often."""
        return True

    async def send(self, parcel: Parcel) -> None:
        """Fails: of letters that were written while there was a post."""
        raise DeliveryFailed(f"No post is set up for letters to a {parcel.party.value}: set SAFELIGHT_PLATFORM_URL.")
