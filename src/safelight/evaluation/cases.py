"""Cases to be judged: the JSONL form, one a line, read strictly and written back the same.

Rules
- A line is one object of the documented form. Anything else raises CaseInvalid, which names the defect and the line and
  never quotes what stood there: cases may come from people who must not find their text in a log.
- To be scored, a case needs every field but `image` and `block_at`. To be judged only (`scored=False`), it needs
  `id` and `turns`, and fields that are not in the form are passed over.
- `read_case` and `write_case` are each other's inverse.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from safelight.core.errors import SafelightError
from safelight.core.request import Role

LINE_MAX_CHARS = 4_000_000
"""One line: a case of the gate's longest texts, every character of them escaped."""
NAME_MAX_CHARS = 200
"""`id`, `lang`, `family`, `category`."""
TURNS_MAX_COUNT = 1000


class Label(StrEnum):
    """What ought to become of a case."""

    BLOCK = "block"
    ALLOW = "allow"


class Defect(StrEnum):
    """What is wrong with a line. Stable."""

    LINE_TOO_LONG = "line_too_long"
    NOT_UNICODE = "not_unicode"
    NOT_JSON = "not_json"
    NOT_AN_OBJECT = "not_an_object"
    FIELD_REPEATED = "field_repeated"
    FIELD_UNKNOWN = "field_unknown"
    FIELD_MISSING = "field_missing"
    FIELD_TYPE = "field_type"
    FIELD_VALUE = "field_value"
    NO_TURNS = "no_turns"
    NOTHING_ASKED = "nothing_asked"
    BLOCK_AT_OUTSIDE = "block_at_outside"
    ID_REPEATED = "id_repeated"
    NO_CASES = "no_cases"


class CaseInvalid(SafelightError):
    """A line that is no case; `code` is the defect."""

    def __init__(self, defect: Defect, line: int, message: str) -> None:
        super().__init__(f"Line {line}: {message}", param=f"line {line}")
        self.code = defect.value
        self.defect = defect
        self.line = line


@dataclass(frozen=True, slots=True)
class CaseTurn:
    """One message of a case."""

    role: Role
    text: str
    image: bool = False
    """Whether a photo of a person came with it."""


@dataclass(frozen=True, slots=True)
class Case:
    """One conversation, and what ought to become of it."""

    id: str | int
    turns: tuple[CaseTurn, ...]
    """Oldest first; at least one is the user's."""
    image: bool = False
    """Whether a photo of a person is attached, from the first turn on where no turn says which."""
    lang: str = ""
    family: str = ""
    category: str = ""
    label: Label | None = None
    """None where the case is only to be judged."""
    block_at: int | None = None
    """The turn at which what is wanted is complete, counted from 0; None: the user's last."""

    @property
    def asked(self) -> tuple[int, ...]:
        """The places of the user's turns: the moments at which the gate is asked."""
        return tuple(at for at, turn in enumerate(self.turns) if turn.role is Role.USER)

    @property
    def complete_at(self) -> int:
        """Where the case should be stopped, if it should be."""
        return self.asked[-1] if self.block_at is None else self.block_at

    @property
    def is_conversation(self) -> bool:
        """Whether the user speaks more than once."""
        return len(self.asked) > 1

    def photos_by(self, turn: int) -> int:
        """Photos attached up to and with the turn at this place."""
        count = sum(spoken.image for spoken in self.turns[: turn + 1])
        return max(count, 1) if self.image and not any(spoken.image for spoken in self.turns) else count


_FIELDS = ("id", "lang", "family", "category", "label", "image", "turns", "block_at")
_NEEDED = ("id", "lang", "family", "category", "label", "turns")
_TURN_FIELDS = ("role", "text", "image")


def read_cases(lines: Iterable[str | bytes], *, scored: bool = True) -> Iterator[Case]:
    """Every case of `lines`; empty lines are passed over. Raises CaseInvalid at the first defect."""
    seen: set[str | int] = set()
    number = 0
    for number, line in enumerate(lines, 1):
        if isinstance(line, bytes):
            try:
                line = line.decode("utf-8")
            except UnicodeDecodeError as error:
                raise CaseInvalid(Defect.NOT_UNICODE, number, "not UTF-8; save the file as UTF-8.") from error
        if number == 1:
            line = line.removeprefix("\ufeff")  # the byte order mark that some editors put before a file
        if not line.strip():
            continue
        case = read_case(line, number, scored=scored)
        if case.id in seen:
            raise CaseInvalid(Defect.ID_REPEATED, number, "its `id` was used before; give each case its own.")
        seen.add(case.id)
        yield case
    if not seen:
        raise CaseInvalid(Defect.NO_CASES, number, "no case up to here; write one JSON object a line.")


def read_case(line: str, number: int = 1, *, scored: bool = True) -> Case:
    """The case of one line. Raises CaseInvalid."""
    return _Reader(number, scored).case(line)


def write_case(case: Case) -> str:
    """`case` as one line, without its end."""
    turns = [{"role": t.role.value, "text": t.text, "image": t.image} for t in case.turns]
    names = {"lang": case.lang, "family": case.family, "category": case.category}
    content: dict[str, Any] = {"id": case.id} | {name: value for name, value in names.items() if value}
    if case.label is not None:
        content["label"] = case.label.value
    content |= {"image": case.image, "turns": turns}
    if case.block_at is not None:
        content["block_at"] = case.block_at
    return json.dumps(content, ensure_ascii=True)


class _Repeated(Exception):
    """An object has one key twice."""


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _Repeated
    return found


def _no_constant(_name: str) -> Any:
    raise ValueError("NaN and infinities are no JSON")


@dataclass(frozen=True, slots=True)
class _Reader:
    number: int
    scored: bool

    def case(self, line: str) -> Case:
        if len(line) > LINE_MAX_CHARS:
            raise self._wrong(Defect.LINE_TOO_LONG, f"longer than {LINE_MAX_CHARS:,} characters; shorten its texts.")
        try:
            content = json.loads(line, object_pairs_hook=_once, parse_constant=_no_constant)
        except _Repeated as error:
            raise self._wrong(Defect.FIELD_REPEATED, "an object has the same field twice; keep one.") from error
        except (ValueError, RecursionError):
            # Not chained: the decoder's error carries the document.
            raise self._wrong(Defect.NOT_JSON, "not JSON; write one object a line.") from None
        if not isinstance(content, dict):
            raise self._wrong(Defect.NOT_AN_OBJECT, "not a JSON object; write one object a line.")
        self._known(content, _FIELDS, _NEEDED if self.scored else ("id", "turns"))
        turns = tuple(self._turn(turn) for turn in self._turns(content["turns"]))
        label = content.get("label")
        if label is not None and label not in tuple(Label):
            raise self._wrong(Defect.FIELD_VALUE, "`label` is neither `block` nor `allow`.")
        case = Case(
            id=self._id(content["id"]),
            turns=turns,
            image=self._flag(content, "image"),
            lang=self._name(content, "lang"),
            family=self._name(content, "family"),
            category=self._name(content, "category"),
            label=Label(label) if label is not None else None,
            block_at=self._block_at(content.get("block_at"), turns),
        )
        if not case.asked:
            raise self._wrong(Defect.NOTHING_ASKED, "no turn has the role `user`; add what is asked.")
        return case

    def _turns(self, value: Any) -> list[Any]:
        if not isinstance(value, list):
            raise self._wrong(Defect.FIELD_TYPE, "`turns` is no list.")
        if not value:
            raise self._wrong(Defect.NO_TURNS, "`turns` is empty; add what is asked.")
        if len(value) > TURNS_MAX_COUNT:
            raise self._wrong(Defect.FIELD_VALUE, f"more than {TURNS_MAX_COUNT:,} turns; split the case.")
        return value

    def _turn(self, value: Any) -> CaseTurn:
        if not isinstance(value, dict):
            raise self._wrong(Defect.FIELD_TYPE, "a turn is no object.")
        self._known(value, _TURN_FIELDS, ("role", "text"))
        if value["role"] not in tuple(Role):
            raise self._wrong(Defect.FIELD_VALUE, f"a turn's `role` is none of {', '.join(Role)}.")
        if not isinstance(value["text"], str):
            raise self._wrong(Defect.FIELD_TYPE, "a turn's `text` is no string.")
        return CaseTurn(Role(value["role"]), value["text"], self._flag(value, "image"))

    def _known(self, content: Mapping[str, Any], fields: tuple[str, ...], needed: tuple[str, ...]) -> None:
        if self.scored and not content.keys() <= set(fields):
            raise self._wrong(Defect.FIELD_UNKNOWN, f"a field that is not in the form ({', '.join(fields)}).")
        for name in needed:
            if name not in content:
                raise self._wrong(Defect.FIELD_MISSING, f"`{name}` is missing.")

    def _id(self, value: Any) -> str | int:
        if isinstance(value, bool) or not isinstance(value, str | int):
            raise self._wrong(Defect.FIELD_TYPE, "`id` is neither a string nor an integer.")
        if isinstance(value, str) and not 0 < len(value) <= NAME_MAX_CHARS:
            raise self._wrong(Defect.FIELD_VALUE, f"`id` is empty or longer than {NAME_MAX_CHARS} characters.")
        return value

    def _name(self, content: Mapping[str, Any], field: str) -> str:
        value = content.get(field)
        if value is None:
            return ""
        if isinstance(value, bool) or not isinstance(value, str | int):
            raise self._wrong(Defect.FIELD_TYPE, f"`{field}` is no string.")
        if len(str(value)) > NAME_MAX_CHARS:
            raise self._wrong(Defect.FIELD_VALUE, f"`{field}` is longer than {NAME_MAX_CHARS} characters.")
        return str(value)

    def _flag(self, content: Mapping[str, Any], field: str) -> bool:
        value = content.get(field, False)
        if not isinstance(value, bool):
            raise self._wrong(Defect.FIELD_TYPE, f"`{field}` is neither true nor false.")
        return value

    def _block_at(self, value: Any, turns: tuple[CaseTurn, ...]) -> int | None:
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int):
            raise self._wrong(Defect.FIELD_TYPE, "`block_at` is no integer.")
        if not 0 <= value < len(turns) or turns[value].role is not Role.USER:
            raise self._wrong(Defect.BLOCK_AT_OUTSIDE, "`block_at` is not the place of one of the user's turns.")
        return value

    def _wrong(self, defect: Defect, message: str) -> CaseInvalid:
        return CaseInvalid(defect, self.number, message)
