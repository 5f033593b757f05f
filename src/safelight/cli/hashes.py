"""`safelight hash` and `safelight match`: what a picture is known by, and which banks know it."""

from pathlib import Path
from typing import Annotated

import typer
from PIL import Image
from rich.markup import escape

from safelight.cli.database import DataDir
from safelight.cli.files import writing
from safelight.cli.output import AsJson, Table, console, print_json
from safelight.cli.pictures import read_picture
from safelight.core.errors import BadInput, InputCode
from safelight.matching.copies import Copy, CopySet, Features, features
from safelight.matching.copy_index import describe
from safelight.matching.fingerprints import HashKind, file_digests, parse_hash
from safelight.matching.model import Look
from safelight.matching.overlay import overlay
from safelight.matching.pdq import Pdq, pdq
from safelight.signals.model import Picture

HASH_HELP = """Print the hashes of a picture: PDQ with its quality, MD5, SHA-1, SHA-256.

Example: `safelight hash photo.jpg`

Exit code 0: hashed; 2: it cannot be read; 4: it has too little detail for PDQ, so that no copy of it can be found.
"""
MATCH_HELP = """Say which banks know a picture, by which hash, how near, and how it was turned. For the operator.

With `--against`, also which pictures of a folder it shows a part of: cropped, turned by a few degrees, bordered,
written over, or in a screenshot.

With `--picture`, where it agrees with the surest of them is drawn on the picture in hand.

Example: `safelight match photo.jpg`, or `safelight match photo.jpg --against taken-down/ --picture why.png`

Exit code 0: no bank knows it; 1: one does; 2: it cannot be read; 4: nothing is known of it, since it has too little
detail to be compared.
"""
_UNHASHABLE = 4

Photo = Annotated[Path, typer.Argument(help="The picture.")]


def hash_command(photo: Photo, as_json: AsJson = False) -> None:
    """Print hashes."""
    content, picture = read_picture(photo)
    found = pdq(picture.frames[0])
    digests = {kind.value: digest.hex() for kind, digest in file_digests(content).items()}
    hashed = {"pdq": found.hex if isinstance(found, Pdq) else None, "quality": found.quality}
    if as_json:
        print_json(hashed | digests)
    else:
        for name, value in (hashed | digests).items():
            console.print(f"[bold]{name}[/] {'none: too little detail' if value is None else value}", soft_wrap=True)
    if not isinstance(found, Pdq):
        raise typer.Exit(_UNHASHABLE)


def match_command(
    photo: Photo,
    against: Annotated[
        Path | None, typer.Option(help="A folder of pictures to compare with by their features.")
    ] = None,
    picture_file: Annotated[
        Path | None, typer.Option("--picture", help="Draw where features agree with the surest copy into this PNG.")
    ] = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Ask the banks."""
    from safelight.cli.bank_store import opened

    content, picture = read_picture(photo)
    copies, unread = _copies(picture, against) if against else ([], [])
    with opened(data_dir) as known:
        look = known.look(picture.frames, content)
        shown = known.drawn(picture.frames[0], look) if picture_file else None
    if picture_file and shown is None and against and copies:
        shown = overlay(picture.frames[0], *describe(read_picture(against / copies[0][0])[1].frames[0]))
    if picture_file and shown is not None:
        with writing(picture_file, "picture"):
            Image.fromarray(shown).save(picture_file, format="PNG")
    if as_json:
        print_json(
            {
                "matches": [match.to_json() for match in look.matches],
                "copies": [{"file": name} | copy.to_json() for name, copy in copies],
                "unhashable": look.is_unhashable,
                "lists": look.lists,
                "overruled_by": list(look.overruled_by),
            }
            | ({"not_compared": unread} if against else {})
            | ({"picture": None if shown is None else str(picture_file)} if picture_file else {})
        )
    else:
        _show(look, copies)
        if unread:
            console.print(f"Not compared, since they cannot be read as pictures: {escape(', '.join(unread))}.")
        if picture_file:
            console.print("No features agree: nothing is drawn." if shown is None else f"Drawn in {picture_file}.")
    if look.matches or copies:
        raise typer.Exit(1)
    if look.is_unhashable:
        raise typer.Exit(_UNHASHABLE)


def _show(look: Look, copies: list[tuple[str, Copy]]) -> None:
    table = Table("bank", "category", "by", "bits apart", "allowed", "the picture", "a match means")
    for match in look.matches:
        bank, copy = match.bank, match.copy
        bits = ("", "") if match.bits_apart is None else (str(match.bits_apart), str(bank.threshold_bits))
        by = f"{copy.agreeing} features" if copy else match.kind.value
        table.add_row(
            escape(bank.name), bank.category, by, *bits, _how(copy) if copy else match.turn.value, escape(bank.meaning)
        )
    console.print(table if look.matches else "No bank knows it.")
    if look.overruled_by:
        names = escape(", ".join(look.overruled_by))
        console.print(f"What is near by hash was overruled by {names}: known false matches.", highlight=False)
    for name, copy in copies:
        console.print(
            f"It shows [bold]{escape(name)}[/]: {copy.agreeing} features agree, {_how(copy)}.", highlight=False
        )
    if look.is_unhashable:
        console.print("It has too little detail to be compared: nothing is known of copies of it.")


def _how(copy: Copy) -> str:
    """What brings the picture in hand onto the known one."""
    mirrored = "mirrored, " if copy.is_mirrored else ""
    return f"{mirrored}turned by {round(copy.turned_deg)}°, scaled by {copy.scale:.2f}"


def _copies(picture: Picture, folder: Path) -> tuple[list[tuple[str, Copy]], list[str]]:
    """The pictures of `folder` that this one shows, with their names, the surest first; and the names of what is none.

    Raises BadInput where no picture is there.
    """
    described: dict[str, Features] = {}
    unread: list[str] = []
    for path in sorted(path for path in folder.iterdir() if path.is_file()) if folder.is_dir() else ():
        try:
            described[path.name] = features(read_picture(path)[1].frames[0])
        except BadInput:
            unread.append(path.name)
    if not described:
        raise BadInput(InputCode.FIELD_INVALID, f"{folder} is no folder with pictures.", param="against")
    names = list(described)
    known = CopySet(described.values())
    return [(names[copy.number], copy) for copy in known.find(picture.frames[0])], unread


def pdq_of(text: str, param: str) -> bytes:
    """The PDQ hash that the argument or option `param` gives in hex. Raises BadInput."""
    try:
        return parse_hash(HashKind.PDQ, text)
    except ValueError as error:
        message = f"This is no PDQ hash: {error}. `safelight hash` prints one."
        raise BadInput(InputCode.FIELD_INVALID, message, param=param) from error


def hash_of_photo(photo: Path) -> Pdq:
    """The PDQ of a picture file. Raises BadInput for one that cannot be read or has none."""
    found = pdq(read_picture(photo)[1].frames[0])
    if not isinstance(found, Pdq):
        raise BadInput(InputCode.FIELD_INVALID, f"{photo.name} has too little detail: no copy of it could be found.")
    return found
