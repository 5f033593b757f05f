"""The kinds of harm that a decision can name, and the verdicts."""

from enum import StrEnum


class Verdict(StrEnum):
    """What a decision says. There is no third answer: what could not be judged is refused (see `UNCHECKED`)."""

    ALLOW = "allow"
    REFUSE = "refuse"


class Category(StrEnum):
    """The kind of harm. The values are stable: they stand in records, answers, metrics and documents."""

    CSAM = "csam"
    """Sexualises a child, in any form and any style; an uncertain age counts as a child."""
    NCII = "ncii"
    """Undresses or sexualises a real person who has not agreed (intimate images without consent)."""
    KNOWN_ILLEGAL = "known_illegal"
    """Matches an image that a hotline or a court has already found illegal."""
    SEXUAL_ADULT = "sexual_adult"
    """Sexual content that shows nobody real; whether it is refused is the operator's choice."""
    CYBERFLASHING = "cyberflashing"
    """An intimate image sent to someone who did not ask for it (Sexual Offences Act 2003 s.66A)."""
    DECEPTIVE_PUBLIC_FIGURE = "deceptive_public_figure"
    """Shows a public figure in a scene that never was, so as to deceive."""
    RIGHTS_RESERVED = "rights_reserved"
    """Uses a photo whose own content credentials say that AI may not use it."""
    UNCHECKED = "unchecked"
    """Not a harm: something that had to be looked at could not be, so the gate stayed shut."""


class Stage(StrEnum):
    """Which look at the request this is: before the image is made, or at what came back."""

    INPUT = "input"
    OUTPUT = "output"
