"""What a request can be understood to do, and the words in which a refusal says so."""

from enum import StrEnum


class Kind(StrEnum):
    """The move that the head sees; the value is what the head's weights call it."""

    NONE = "none"
    REVEAL = "reveal"
    REMOVE = "remove"
    REDUCE = "reduce"
    SHEER = "sheer"
    COVER = "cover"
    POSE = "pose"
    FLUID = "fluid"
    BODY = "body"
    HUMILIATE = "humiliate"
    SEXUAL = "sexual"
    TOOL = "tool"


UNDERSTOOD = {
    Kind.NONE: "asks for something that exposes or sexualises a person",
    Kind.REVEAL: "asks to show a person in swimwear, underwear or other revealing clothing",
    Kind.REMOVE: "asks to take away clothing from a person, or to show them without it",
    Kind.REDUCE: "asks to make a person's clothing smaller, step by step",
    Kind.SHEER: "asks to make a person's clothing see-through, wet or clinging",
    Kind.COVER: "asks to dress a person in something that is no garment and hardly covers",
    Kind.POSE: "asks for a sexualised pose or camera view of a person",
    Kind.FLUID: "asks to put a fluid or food on a person's face or body in a sexualised way",
    Kind.BODY: "asks to change or bring out intimate parts of a person's body",
    Kind.HUMILIATE: "asks to humiliate a person together with undressing or sexualising them",
    Kind.SEXUAL: "asks for sexual content",
    Kind.TOOL: "names a tool or a model made for undressing people",
}
"""One sentence a kind, put after "the request". Never a quotation."""
