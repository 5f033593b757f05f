"""The words of this room: what a mark says of a picture, and what was read from one."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

WATERMARK_BYTES = 8
"""Of the random id that a watermark carries."""
SOFTWARE = "Safelight"
"""As credentials name what made a picture."""


class How(StrEnum):
    """How a picture came about, as its credentials say it."""

    CREATED = "created"
    EDITED = "edited"


@dataclass(frozen=True, slots=True)
class Source:
    """A photo that an edit was made from, as it was sent in."""

    content: bytes
    media_type: str


@dataclass(frozen=True, slots=True)
class Origin:
    """What the credentials of one picture say. Nothing in it tells whose account asked."""

    output_id: str
    """The picture's own id, by which the register knows it; the receipt of its decision stands there."""
    request_id: str
    decision_id: str
    policy_version: str
    how: How
    model: str
    """The image model, by the name of its backend."""
    at: datetime
    sources: tuple[Source, ...] = ()


class CredentialState(StrEnum):
    """What the content credentials of a file are worth."""

    NONE = "none"
    """There are none."""
    TRUSTED = "trusted"
    """Whole, and signed by this service, with its key of now or an earlier one."""
    VALID = "valid"
    """Whole, and signed by somebody who is not known here."""
    EXPIRED = "expired"
    """Whole, but the signer's certificate is past its time, so it can no longer be told whose it is."""
    BROKEN = "broken"
    """The file or the credentials were changed after signing."""
    UNREADABLE = "unreadable"
    """There is something that claims to be credentials and cannot be read."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """The content credentials of one file, as far as they are of use here."""

    state: CredentialState
    output_id: str = ""
    request_id: str = ""
    decision_id: str = ""
    policy_version: str = ""
    """These four are from our own assertion; believe them only where the state is TRUSTED."""
    signer: str = ""
    """Who signed, as the certificate names them."""
    software: str = ""
    actions: tuple[str, ...] = ()
    """Such as `c2pa.created`, oldest first."""
    digital_source: str = ""
    """The last part of the IPTC digital source type, such as `trainedAlgorithmicMedia`."""
    ingredients: int = 0
    forbids_ai: bool = False
    """Whether it, or anything that it was made from, says that AI may not use it."""

    @property
    def are_ours(self) -> bool:
        """Whether the gate signed the file: its certificate may sign other things too, and these have no output id."""
        return self.state is CredentialState.TRUSTED and bool(self.output_id)

    @property
    def may_be_ours(self) -> bool:
        """Whether it cannot be told: signed with our certificate but not by the gate, or changed after it was."""
        claims = bool(self.output_id) or self.software == SOFTWARE
        return self.state is CredentialState.TRUSTED or (self.state is CredentialState.BROKEN and claims)


NO_CREDENTIALS = Credentials(CredentialState.NONE)
