"""A platform in memory, as a real one should behave: for tests, and to read.

It has posts with pictures, finds copies by their hash, follows commands in their order, hides by itself what it was
told to watch when the time is up, and can be out of order.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime

from safelight.cases.draft import Place, PlaceKind
from safelight.cases.takedown.ports import Command, Confirmed, DeliveryFailed, Order, Parcel
from safelight.matching.fingerprints import HashKind
from safelight.matching.index.layout import MAX_RADIUS
from safelight.matching.pdq import Frame, Pdq, distance, pdq


@dataclass
class Posted:
    """One post with a picture."""

    frame: Frame
    forms: tuple[bytes, ...]
    """Its hash as it is, mirrored and turned; none for a picture without detail."""
    case_id: str = ""
    is_hidden: bool = False
    hide_at: datetime | None = None


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
    same_picture: Callable[[Frame, Frame], bool] | None = None
    """Finds what PDQ loses, such as crops of a picture that a post named in the command shows."""

    def publish(self, post: str, frame: Frame) -> None:
        """Show a picture."""
        hashed = pdq(frame)
        self.posts[post] = Posted(frame, tuple(form for _, form in hashed.forms) if isinstance(hashed, Pdq) else ())

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
                self.posts[post] = replace(
                    posted,
                    case_id=command.case_id,
                    is_hidden=command.order in (Order.HIDE, Order.REMOVE),
                    hide_at=command.hide_at if command.order is Order.WATCH else None,
                )
        copies = tuple(Place(PlaceKind.POST, post) for post in sorted(meant - named) if post in self.posts)
        self.done[command.id] = Confirmed(copies)
        return self.done[command.id]

    def _copies(self, command: Command, named: set[str]) -> set[str]:
        asked = [one.value for one in command.fingerprints if one.kind is HashKind.PDQ]
        originals = [self.posts[post].frame for post in named if post in self.posts]
        asked += [self.posts[post].forms[0] for post in named if post in self.posts and self.posts[post].forms]
        found = set()
        for post, posted in self.posts.items():
            is_near = any(distance(form, one) <= MAX_RADIUS for form in posted.forms for one in asked)
            if is_near or (self.same_picture and any(self.same_picture(posted.frame, one) for one in originals)):
                found.add(post)
        return found


@dataclass
class MemoryPost:
    """Keeps every parcel, and counts what came more than once."""

    repeats_safely: bool = True
    is_dead: bool = False
    parcels: dict[str, Parcel] = field(default_factory=dict)
    repetitions: int = 0

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


class NoPost:
    """Where no post was set up: letters are read with the receipt only."""

    repeats_safely = True

    async def send(self, parcel: Parcel) -> None:
        """Always fails."""
        raise DeliveryFailed(f"No post is set up for letters to a {parcel.party.value}: set SAFELIGHT_PLATFORM_URL.")
