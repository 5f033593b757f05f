"""Writes signed credentials into an encoded picture, without touching its pixels.

Rules of this module
- Nothing is fetched but a time stamp (RFC 3161), where the operator named an authority. A stamp is evidence of when and
  not the mark: while the authority does not answer, pictures are signed without one.
- No thumbnails: they would be another copy of the picture.
- Whatever goes wrong is MarkFailed, and the picture stays here.
"""

import io
import time
from collections.abc import Callable
from datetime import datetime

import c2pa
import numpy as np
import structlog

from safelight.core.errors import MarkCode, MarkFailed, NotStartable
from safelight.provenance.credentials.chain import Chain
from safelight.provenance.credentials.manifest import ingredient_of, manifest_of
from safelight.provenance.credentials.signer import Algorithm, Signer, is_signed
from safelight.provenance.model import How, Origin, Source
from safelight.provenance.pixels import png

log = structlog.get_logger()

_ALGORITHMS = {
    Algorithm.ES256: c2pa.C2paSigningAlg.ES256,
    Algorithm.ES384: c2pa.C2paSigningAlg.ES384,
    Algorithm.ED25519: c2pa.C2paSigningAlg.ED25519,
    Algorithm.PS256: c2pa.C2paSigningAlg.PS256,
}
_SILENT_S = 60.0
"""For how long an authority that did not answer is not asked again."""
_FOREIGN = "a signature that is not one of the first certificate's key in raw form"
_NEEDS = (
    "The first one must be no authority, name its issuer's key (authorityKeyIdentifier), be for digital signatures and "
    "for a use that C2PA lists, such as emailProtection; its issuers follow. See docs/how-to/marks.md."
)
_SETTINGS = {
    "version": 1,
    # What was signed is looked at by our tests and by readers; once more at each signing costs as much again.
    "verify": {"verify_after_sign": False, "remote_manifest_fetch": False, "ocsp_fetch": False},
    "builder": {"thumbnail": {"enabled": False}},
}


class Sealer:
    """Signs pictures with one signer."""

    def __init__(self, signer: Signer, stamps: str = "", keep: Callable[[Chain], object] = lambda _chain: None) -> None:
        """`stamps` is the address of a time stamp authority, or nothing.

        `keep` gets the chain before the first picture that was signed under it leaves: until then nothing shows that
        the key is its own. Raises NotStartable where the signer and its chain cannot be used.
        """
        self._signer = signer
        self._keep = keep
        self._is_kept = False
        self._asks_again_at = 0.0
        self._why = ""
        self.trouble = ""
        """Why the latest picture could not be signed; empty where it could."""
        try:
            self._context = c2pa.Context.from_dict(_SETTINGS)
            form = self._sign, _ALGORITHMS[signer.algorithm], signer.chain.pem
            self._native = c2pa.Signer.from_callback(*form)
            self._stamping = c2pa.Signer.from_callback(*form, stamps) if stamps else None
        except c2pa.C2paError as error:
            raise NotStartable(f"The certificates for content credentials are refused: {error}") from error

    @property
    def chain(self) -> Chain:
        """Under which is signed."""
        return self._signer.chain

    def prove(self, now: datetime) -> None:
        """Sign one black pixel: a chain that readers would refuse shows at the start, not at the first picture.

        A signer that is away is a trouble, and comes back. Raises NotStartable.
        """
        origin = Origin("pic_0", "req_0", "dec_0", "sha256:0", How.CREATED, "none", now)
        try:
            self._signed(self._native, png(np.zeros((1, 1, 3), np.uint8)), "image/png", origin)
        except c2pa.C2paError as error:
            if self._why == _FOREIGN:
                raise NotStartable(f"The signer of content credentials answers with {self._why}.") from error
            if self._why:
                self.trouble = f"The content credentials could not be signed ({self._why})."
                return
            raise NotStartable(f"The certificates for content credentials are refused: {error}. {_NEEDS}") from error
        self._keep_chain()

    def seal(self, content: bytes, media_type: str, origin: Origin) -> bytes:
        """`content` with the credentials that say `origin`. Raises MarkFailed."""
        try:
            sealed = self._seal(content, media_type, origin)
            self._keep_chain()
        except MarkFailed as error:
            self.trouble = error.message
            raise
        except NotStartable as error:
            self.trouble = f"{error.message} Nothing was released."
            raise MarkFailed(MarkCode.SIGNER_UNAVAILABLE, self.trouble, retry_after_s=30) from error
        self.trouble = ""
        return sealed

    def close(self) -> None:
        """Let go of the key."""
        self._native.close()
        if self._stamping:
            self._stamping.close()
        self._context.close()

    def _keep_chain(self) -> None:
        if not self._is_kept:
            self._keep(self.chain)
            self._is_kept = True

    def _seal(self, content: bytes, media_type: str, origin: Origin) -> bytes:
        if why := self.chain.why_unfit(origin.at):
            message = f"The key for content credentials cannot be used: {why}. Nothing was released; renew it."
            raise MarkFailed(MarkCode.KEY_EXPIRED, message)
        if self._stamping and time.monotonic() >= self._asks_again_at:
            try:
                return self._signed(self._stamping, content, media_type, origin)
            except c2pa.C2paError as error:
                # Whatever it was: signed without a stamp it shows again, or it was the authority.
                self._asks_again_at = time.monotonic() + _SILENT_S
                log.warning("credentials_without_time_stamp", error=type(error).__name__.strip("_"))
        try:
            return self._signed(self._native, content, media_type, origin)
        except c2pa.C2paError as error:
            # The library's own words may speak of the file; what the signer raised is named by its class alone.
            why = self._why or type(error).__name__.strip("_")
            message = f"The content credentials could not be signed ({why}), so nothing was released; try again soon."
            raise MarkFailed(MarkCode.SIGNER_UNAVAILABLE, message, retry_after_s=30) from error

    def _signed(self, native: c2pa.Signer, content: bytes, media_type: str, origin: Origin) -> bytes:
        sealed = io.BytesIO()
        with c2pa.Builder.from_json(manifest_of(origin), context=self._context) as builder:
            for number, source in enumerate(origin.sources, 1):
                self._add(builder, number, source)
            builder.sign(native, media_type, io.BytesIO(content), sealed)
        return sealed.getvalue()

    def _add(self, builder: c2pa.Builder, number: int, source: Source) -> None:
        try:
            builder.add_ingredient(ingredient_of(number), source.media_type, io.BytesIO(source.content))
        except c2pa.C2paError as error:
            # A photo whose own credentials cannot be read is still what the edit was made from; its pixels are.
            log.warning("ingredient_without_credentials", error=type(error).__name__)
            builder.add_ingredient(ingredient_of(number), "application/octet-stream", io.BytesIO(source.content))

    def _sign(self, message: bytes) -> bytes:
        try:
            signature = self._signer.sign(message)
        except Exception as error:  # noqa: BLE001 (a signer may be anybody's; the library sees only that it failed)
            self._why = type(error).__name__
            return b""
        self._why = "" if signature else "an empty signature"
        # The library writes down whatever it is given, and readers would call the picture forged.
        if signature and not is_signed(self._signer, message, signature):
            self._why = _FOREIGN
            return b""
        return signature
