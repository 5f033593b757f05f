"""Marks one picture: first the pixels, which are then looked at and encoded, and last the credentials in the file.

Rules of this module
- The watermark is in the pixels before anything is decided of them, so that what was checked is what leaves.
- A picture is encoded once, from those pixels, in its own format (`pixels.py`); the credentials change no pixel.
- All of it is CPU work without state, for the caller's threads. Whatever goes wrong is MarkFailed.
- A picture that is too small for a watermark has none: it is marked by its credentials and the register alone. Where
  no credentials are wanted it is not released.
"""

import secrets
from dataclasses import dataclass

from cryptography.hazmat.primitives import hashes

from safelight.core.errors import MarkCode, MarkFailed
from safelight.provenance.credentials.seal import Sealer
from safelight.provenance.model import WATERMARK_BYTES, Origin
from safelight.provenance.pixels import FileFormat, Form, Pixels, encoded, form_of
from safelight.provenance.watermark import NotMarkable, WatermarkKey, can_carry, embed


@dataclass(frozen=True, slots=True, eq=False)
class Inked:
    """A picture whose pixels are as they will leave."""

    pixels: Pixels
    form: Form
    watermark: bytes | None
    """The id that it carries; None where none is wanted, or where it is too small and its file will be signed."""


class Marker:
    """Marks pictures; at least one of the two ways is wanted."""

    def __init__(self, key: WatermarkKey | None, sealer: Sealer | None) -> None:
        self._key = key
        self._sealer = sealer

    @property
    def wants_credentials(self) -> bool:
        """Whether files are signed."""
        return self._sealer is not None

    @property
    def keys(self) -> tuple[str | None, str | None]:
        """The watermark key's id, and the SHA-256 of the certificate of the credentials; None: not marked so."""
        leaf = self._sealer.chain.leaf if self._sealer else None
        return (
            self._key.id if self._key else None,
            f"sha256:{leaf.fingerprint(hashes.SHA256()).hex()}" if leaf else None,
        )

    def ink(self, content: bytes, pixels: Pixels) -> Inked:
        """`pixels`, decoded from `content`, with a watermark under a new random id. Raises MarkFailed."""
        try:
            form = form_of(content)
            if self._key is None or (self._sealer and not can_carry(*pixels.shape[:2])):
                return Inked(pixels, form, None)
            payload = secrets.token_bytes(WATERMARK_BYTES)
            return Inked(embed(pixels, payload, self._key), form, payload)
        except NotMarkable as error:
            message = (
                f"Nothing was released: {error.message}, and no other mark is asked for. Ask for a larger picture, "
                "or have the operator set SAFELIGHT_MARKS=all."
            )
            raise MarkFailed(MarkCode.WATERMARK_FAILED, message) from error
        except Exception as error:
            raise _failed("watermarked", error) from error

    def encode(self, inked: Inked) -> tuple[bytes, FileFormat]:
        """The file of `inked` without credentials, and its format. Raises MarkFailed."""
        try:
            return encoded(inked.pixels, inked.form)
        except Exception as error:
            raise _failed("encoded", error) from error

    def seal(self, content: bytes, media_type: str, origin: Origin) -> bytes:
        """`content` with its credentials, where they are wanted. Raises MarkFailed."""
        return self._sealer.seal(content, media_type, origin) if self._sealer else content

    def trouble(self) -> str:
        """What keeps this from marking, by the latest signing; empty where nothing is known to."""
        return self._sealer.trouble if self._sealer else ""

    def close(self) -> None:
        """Let go of the key."""
        if self._sealer:
            self._sealer.close()


def _failed(what: str, error: Exception) -> MarkFailed:
    message = f"The picture could not be {what} ({type(error).__name__}), so nothing was released."
    return MarkFailed(MarkCode.WATERMARK_FAILED, message)
