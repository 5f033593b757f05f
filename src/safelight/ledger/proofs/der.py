"""The little of DER (X.690) that a time stamp needs: elements, read strictly, one after another. No writer."""

from dataclasses import dataclass

from .errors import Malformed

SEQUENCE, SET, INTEGER, OCTETS, OBJECT_ID, TIME = 0x30, 0x31, 0x02, 0x04, 0x06, 0x18
ELEMENT_MAX_BYTES = 1 << 20
"""The longest element that is read."""
OBJECT_ID_MAX_BYTES = 64
"""Of one object identifier: those in use have a dozen."""


@dataclass(frozen=True, slots=True)
class Element:
    """One element: its tag, what is in it, and all its bytes."""

    tag: int
    content: bytes
    whole: bytes

    def inside(self) -> "Reader":
        """Read what is in it. Raises Malformed for an element that holds no others."""
        if not self.tag & 0x20:
            raise Malformed("A DER element that should hold others does not.")
        return Reader(self.content)

    def integer(self) -> int:
        """Its number. Raises Malformed."""
        if self.tag != INTEGER or not self.content:
            raise Malformed("A DER integer is expected.")
        return int.from_bytes(self.content, "big", signed=True)

    def object_id(self) -> str:
        """Its object identifier, dotted. Raises Malformed."""
        fit = self.tag == OBJECT_ID and 0 < len(self.content) <= OBJECT_ID_MAX_BYTES
        if not fit or self.content[-1] & 0x80:
            raise Malformed("A DER object identifier is expected.")
        arcs, value = [], 0
        for byte in self.content:
            value = value << 7 | byte & 0x7F
            if not byte & 0x80:
                arcs.append(value)
                value = 0
        first = min(arcs[0] // 40, 2)
        return ".".join(map(str, (first, arcs[0] - 40 * first, *arcs[1:])))


class Reader:
    """Elements of a run of bytes, in order."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._at = 0

    def next(self, tag: int) -> Element:
        """The next element, which must have this tag. Raises Malformed."""
        element = self._peek()
        if element is None or element.tag != tag:
            raise Malformed(f"The DER element {tag:#04x} is expected.")
        self._at += len(element.whole)
        return element

    def optional(self, tag: int) -> Element | None:
        """The next element if it has this tag. Raises Malformed."""
        element = self._peek()
        if element is None or element.tag != tag:
            return None
        self._at += len(element.whole)
        return element

    def rest(self) -> list[Element]:
        """All that are left. Raises Malformed."""
        found = []
        while (element := self._peek()) is not None:
            self._at += len(element.whole)
            found.append(element)
        return found

    def end(self) -> None:
        """Raises Malformed where something is left."""
        if self._at != len(self._content):
            raise Malformed("A DER element goes on behind its last part.")

    def _peek(self) -> Element | None:
        left = self._content[self._at :]
        if not left:
            return None
        if len(left) < 2 or left[0] & 0x1F == 0x1F:
            raise Malformed("A DER element is cut off, or has a tag of several bytes.")
        length, start = left[1], 2
        if length & 0x80:
            width = length & 0x7F
            start = 2 + width
            length = int.from_bytes(left[2:start], "big")
            # DER has one spelling of a length: the shortest.
            if not 1 <= width <= 4 or len(left) < start or length < 0x80 or left[2] == 0:
                raise Malformed("A DER length is not spelt as it must be.")
        if length > ELEMENT_MAX_BYTES or start + length > len(left):
            raise Malformed("A DER element is longer than what holds it.")
        return Element(left[0], left[start : start + length], left[: start + length])


def parse(content: bytes, tag: int = SEQUENCE) -> Element:
    """The one element that `content` is. Raises Malformed."""
    reader = Reader(content)
    element = reader.next(tag)
    reader.end()
    return element
