"""What the policy knows without looking: the circumstances of the request.

The account's tier is not here, so no rule can name it: the same request gets the same decision whoever pays.
"""

from dataclasses import dataclass, fields

from safelight.core.canonical import Json
from safelight.core.category import Stage
from safelight.core.consent import ConsentState
from safelight.core.request import Operation, Owner, Standing, Surface


@dataclass(frozen=True, slots=True)
class Facts:
    """One value a fact; each field is a name that a policy condition may use. Text facts compare as strings."""

    stage: Stage
    """`input`, before anything is made, or `output`, on what came back."""
    operation: Operation
    """`generate`, `edit`, `variate` or `check`."""
    surface: Surface
    """`api`, `post`, `reply` or `direct_message`."""
    standing: Standing
    """The asking account: `good` or `limited` (a suspended one does not come this far)."""
    photos: int = 0
    """How many pictures the asker attached, over the whole conversation."""
    photo_owner: Owner = Owner.UNKNOWN
    """Whose pictures they are, as the platform says: `other` if any one is somebody else's."""
    has_mask: bool = False
    """Whether a region of the photo was marked for repainting."""
    turns: int = 1
    """How many turns the conversation has."""
    consent: ConsentState = ConsentState.NONE
    """How the consent records that the request names stand towards it, as the gate verified them."""
    consent_swimwear: bool = False
    """Whether records in force cover every photo, for showing the person in swimwear."""
    consent_lingerie: bool = False
    """The same for lingerie."""
    consent_nudity_artistic: bool = False
    """The same for artistic nudity."""
    edits_before: int = 0
    """How many edits made here led to the photos of the request."""
    photo_no_ai: bool = False
    """Whether the content credentials of a photo, or of what it was made from, say that AI may not use it."""

    def to_json(self) -> dict[str, Json]:
        """The facts by name, as they are recorded and as a condition sees them."""
        values = ((name, getattr(self, name)) for name in _NAMES)
        return {name: getattr(value, "value", value) for name, value in values}


_NAMES = tuple(field.name for field in fields(Facts))
