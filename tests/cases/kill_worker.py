"""One process that receives, decides and takes down without end, until it is killed; it prints what it acknowledged.

`receipt CODE PIN CASE` for a report, `decided CASE OUTCOME` for a decision. The platform and the post write each effect
they carried out, with its id, to a file of their own, as another house would.
"""

import asyncio
import random
import sys
from datetime import UTC, datetime
from pathlib import Path

from safelight.cases.draft import Contact, ContactKind, Place
from safelight.cases.errors import CaseError
from safelight.cases.model import CaseState, Party
from safelight.cases.staff_model import QueueFilter
from safelight.cases.takedown.ports import Command, Confirmed, Parcel
from tests.cases.house import KEEP, MODERATOR, REMOVE, House, post, report

LASTS_S = 60.0
"""Should nobody kill it."""


class FilePlatform:
    """Keeps the newest order for each case, and every letter, in files; a repetition is written once more and told by
    its id."""

    def __init__(self, folder: Path) -> None:
        self._orders = (folder / "orders.log").open("a")
        self._letters = (folder / "letters.log").open("a")

    def close(self) -> None:
        """Let go of the files."""
        self._orders.close()
        self._letters.close()

    async def carry_out(self, command: Command) -> Confirmed:
        """Write it down."""
        self._orders.write(f"{command.case_id} {command.sequence} {command.order} {command.id}\n")
        self._orders.flush()
        return Confirmed()

    async def picture(self, request_id: str, place: Place) -> bytes | None:
        """There are no pictures here."""
        return None

    def takes(self, party: Party, to: Contact | None) -> bool:
        """Everything."""
        return True

    def repeats_safely(self, parcel: Parcel) -> bool:
        """By its id."""
        return True

    async def send(self, parcel: Parcel) -> None:
        """Write it down."""
        self._letters.write(f"{parcel.id} {parcel.case_id} {parcel.subject.replace(' ', '_')}\n")
        self._letters.flush()


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


async def receive(home: House, dice: random.Random) -> None:
    while True:
        place = post(f"p{dice.getrandbits(48)}")
        draft = report(places=(place,), contact=Contact(ContactKind.EMAIL, "a@b.example"))
        receipt = await home.cases.receive(draft, "")
        say(f"receipt {receipt.code} {receipt.pin} {receipt.case_id}")


async def decide(home: House, dice: random.Random) -> None:
    while True:
        row = await home.cases.claim_next(MODERATOR, QueueFilter(states=frozenset({CaseState.OPEN})))
        if row is None:
            await asyncio.sleep(0.01)
            continue
        choice = dice.choice((REMOVE, KEEP))
        try:
            await home.cases.decide(MODERATOR, row.id, choice, row.version)
        except CaseError:
            continue
        say(f"decided {row.id} {choice.outcome}")


async def main(home: House) -> None:
    dice = random.Random()
    await home.cases.start()
    async with asyncio.timeout(LASTS_S):
        await asyncio.gather(receive(home, dice), decide(home, dice))


if __name__ == "__main__":
    place = Path(sys.argv[1])
    files = FilePlatform(place)
    opened = House(place, platform=files, post_=files, now=datetime.now(UTC), begin=False)
    opened.clock = lambda: datetime.now(UTC)  # type: ignore[method-assign]
    opened.run(main(opened))
