"""What goes back to hotlines: hashes for StopNCII, what became of its matches, votes on NCMEC's entries.

Nothing goes by itself: a member of staff has looked, and says so with one of these commands.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

from safelight.cli.hashes import pdq_of
from safelight.cli.output import AsJson, console, print_json
from safelight.matching.exchanges.ncmec import Ncmec
from safelight.matching.exchanges.stopncii import Feedback, StopNcii
from safelight.matching.fingerprints import HashKind

Hashes = Annotated[list[str], typer.Argument(help="PDQ hashes, in hex, as `safelight hash` prints them.")]
Url = Annotated[str, typer.Option(help="Its base address; a test environment unless you say otherwise.")]
User = Annotated[str, typer.Option(envvar="SAFELIGHT_EXCHANGE_USER", help="User, or function key.")]
Secret = Annotated[str, typer.Option(envvar="SAFELIGHT_EXCHANGE_SECRET", help="Password, or subscription key.")]
Production = Annotated[bool, typer.Option(help="Talk to the production host.")]


def submit_stopncii(
    hashes: Hashes, url: Url, user: User, secret: Secret, production: Production = False, as_json: AsJson = False
) -> None:
    """Give hashes to StopNCII, so that other platforms stop the pictures too. The pictures stay here.

    Example: `safelight banks submit-stopncii 2d6b1a… --url https://test.example/v1`
    """
    wanted = _pdqs(hashes)
    with _stopncii(url, user, secret, production=production) as exchange:
        exchange.submit(wanted)
    _tell(len(wanted), "given to StopNCII", as_json=as_json)


def feedback_stopncii(
    hashes: Hashes,
    said: Annotated[Feedback, typer.Option("--verdict", help="What became of the pictures that matched.")],
    url: Url,
    user: User,
    secret: Secret,
    tag: Annotated[list[str] | None, typer.Option(help="A word agreed with StopNCII; may be given again.")] = None,
    production: Production = False,
    as_json: AsJson = False,
) -> None:
    """Tell StopNCII what became of matches with hashes of its list.

    Example: `safelight banks feedback-stopncii 2d6b1a… --verdict Blocked --url https://test.example/v1`
    """
    wanted = _pdqs(hashes)
    with _stopncii(url, user, secret, production=production) as exchange:
        exchange.send_feedback(wanted, said, tags=tag)
    _tell(len(wanted), f"told as {said.value}", as_json=as_json)


def feedback_ncmec(
    member: Annotated[str, typer.Argument(help="The number of the member whose entry it is.")],
    entry: Annotated[str, typer.Argument(help="The entry's id, as NCMEC's list has it.")],
    kind: Annotated[HashKind, typer.Option(help="Which of the entry's hashes it is about.")],
    agrees: Annotated[bool, typer.Option("--agree/--disagree", help="Whether its classification is right.")],
    url: Url,
    user: User,
    secret: Secret,
    production: Production = False,
    as_json: AsJson = False,
) -> None:
    """Tell NCMEC whether an entry of its hash list is classified rightly.

    Example: `safelight banks feedback-ncmec 42 image1 --kind pdq --disagree --url https://test.example/hashsharing`
    """
    exchange = Ncmec.connect(url, user=user, password=secret, production=production)
    try:
        exchange.send_feedback(member, entry, kind, agrees=agrees)
    finally:
        exchange.close()
    _tell(1, "told as right" if agrees else "told as wrong", as_json=as_json)


@contextmanager
def _stopncii(url: str, user: str, secret: str, *, production: bool) -> Iterator[StopNcii]:
    exchange = StopNcii.connect(url, function_key=user, subscription_key=secret, production=production)
    try:
        yield exchange
    finally:
        exchange.close()


def _pdqs(texts: list[str]) -> list[str]:
    return [pdq_of(text, "hashes").hex() for text in texts]


def _tell(count: int, what: str, *, as_json: bool) -> None:
    print_json({"sent": count}) if as_json else console.print(f"{count} {what}.", highlight=False)
