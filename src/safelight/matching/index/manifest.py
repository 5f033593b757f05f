"""The manifest: the one small file that says which segments and which journal are the index.

It is replaced by renaming, so a reader sees the old index or the new one and never a mixture. It ends in a code of the
installation's key: what was changed, or belongs to another key, is found before anything else is read.
"""

import hmac
import json
import re
from dataclasses import dataclass
from pathlib import Path

from safelight.matching.at_rest.sealed import Seal, replace_text

FILE = "manifest.json"
_NAME = re.compile(r"[a-z0-9-]{1,64}")
_HEAD = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Manifest:
    """What the index consists of."""

    number: int = 0
    """Raised by one with each new manifest; names of new files begin with it, so no name is used twice."""
    segments: tuple[tuple[str, str], ...] = ()
    """File of each segment, and the file of its revoked rows or an empty string."""
    head: str = "0" * 64
    """Digest of everything that was ever done to the index, up to where the journal begins."""

    @property
    def journal(self) -> str:
        """File name of the journal that goes on from here."""
        return f"journal-{self.number}"

    @property
    def files(self) -> set[str]:
        """Every name in the folder that belongs to this index."""
        return {name for segment in self.segments for name in segment if name} | {self.journal}

    def write(self, folder: Path, seal: Seal) -> None:
        """Make this the index, and have it on disk when this returns."""
        text = json.dumps(
            {"number": self.number, "segments": self.segments, "head": self.head, "code": self._code(seal)}
        )
        replace_text(folder / FILE, text)

    @classmethod
    def read(cls, folder: Path, seal: Seal) -> "Manifest":
        """The manifest in `folder`; an empty index where there is none.

        Raises ValueError for one that is damaged, changed, or of another key.
        """
        try:
            text = (folder / FILE).read_text("ascii")
        except FileNotFoundError:
            return cls()
        manifest, code = cls.parsed(text)
        if not hmac.compare_digest(code.encode(), manifest._code(seal).encode()):
            raise ValueError(
                "its manifest was changed or is of another key; restore the folder and digest.key from one backup"
            )
        return manifest

    @classmethod
    def parsed(cls, text: str) -> tuple["Manifest", str]:
        """What a manifest says, and its code, unchecked; an empty code where there is none. Raises ValueError."""
        try:
            content = json.loads(text)
            number, head = int(content["number"]), str(content["head"])
            segments = tuple((str(name), str(dead)) for name, dead in content["segments"])
            code = str(content.get("code", ""))
            if content.keys() != {"number", "segments", "head", *(["code"] if code else [])}:
                raise ValueError("a field more")  # a code under another name: not a manifest from before codes
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise ValueError("the manifest of the index cannot be read; restore the folder from backup") from error
        if not _HEAD.fullmatch(head) or not all(_NAME.fullmatch(name) for pair in segments for name in pair if name):
            raise ValueError("the manifest of the index holds a name that is none; restore the folder from backup")
        return cls(number, segments, head), code

    def _code(self, seal: Seal) -> str:
        return seal.code("manifest", json.dumps([self.number, self.segments, self.head]).encode()).hex()
