"""Data and code around a prompt: `{"n": 1, "prompt": "…"}`, a program that sets a string and sends it.

Rules
- A shell hides nothing, so nothing here is a trick. It makes a detector less sure of what stands in it, either way.
- Only what says nothing is left out: keys such as `prompt`, numbers, and lines of a program in which every word is one
  of a program. One word that is none, in a key, a name or a comment, and the text stays as it is, or the key beside its
  value: `negative prompt: nude` is another request than `nude`.
- Nothing that is written is lost: a key that stands twice has both its values; what is not ASCII always says something.
- Escapes are decoded as JSON has them, since there they hide nothing either; so non-English text is written.
"""

import json
import re

_MAX_DEPTH = 8
_DATA = """
action api args argument arguments body caption chat cmd command completion content contents context create data
description detail edit false function generate generations gpt id image images img in input inputs instruction
instructions item items json kwargs list log main message messages mode model n new none null object op operation
options out output params parameters payload picture print prompt prompts query quality request response result role run
schema seed send size steps str string strength system task text title tool tools true txt type url user value values
"""
_PROGRAM = """
async await bash client console const def dev echo end export final fn for from fun func if import include info java
javascript js let lib node openai os package php private process public py python requests ruby rust save self sh static
std sys then this to ts typescript use using var void with write
"""
_SAID_BY_NONE = frozenset(_DATA.split())
"""Words of data, and of programs, that ask for nothing."""
_CODE = _SAID_BY_NONE | frozenset(_PROGRAM.split())
_WORD = re.compile(r"[^\W\d_]+")
_HUMP = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[^\W\d_A-Z]+")
_SIZE = re.compile(r"\b\d{1,5}x\d{1,5}\b")
_SIGN = re.compile(r"[^\w\s.:,/#%-]")
_QUOTED = r"(?P<q>'''|\"\"\"|[frbu]?['\"`])(?P<said>.*)(?P=q)"
_LINE = re.compile(rf"(?P<before>[^'\"`#]*?){_QUOTED}(?P<after>[^'\"`#]*)")
"""A line of a program with one string in it. An apostrophe inside the string is no end: the last quotation mark is."""
_IS_CODE = re.compile(
    r"^[ \t]*(?:\w{1,20}[ \t]+){0,2}[\w.$]{1,60}[ \t]*(?:[:+]?=|\([ \t]*(?:\w{1,20}[ \t]*=)?)[ \t]*[frbu]?['\"`]",
    re.MULTILINE,
)
_ELEMENT = re.compile(r"</?([A-Za-z_]{1,20})>")


def unwrapped(text: str) -> str:
    """What stands inside the data or the program that `text` is; `text` itself if it is neither. Linear."""
    if "<" in text:
        text = _ELEMENT.sub(lambda tag: " " if _is_of(tag[1], _SAID_BY_NONE) else tag[0], text)
    if "{" in text:
        return _of_data(text)
    if _IS_CODE.search(text):
        return _of_program(text) or text
    return text


def _of_data(text: str) -> str:
    """With the values of its data in their place; `text` itself where there are no data, or none that say anything."""
    start, end = text.find("{"), text.rfind("}") + 1
    try:
        said = _values(json.loads(text[start:end], strict=False, object_pairs_hook=_Pairs), "", 0)
    except (ValueError, RecursionError):
        return text
    return "\n".join(filter(None, [text[:start].strip(), *said, text[end:].strip()])) if said else text


class _Pairs(list[tuple[str, object]]):
    """An object as it is written: a key that stands twice has two values, and a reader may take either."""


def _values(data: object, key: str, depth: int) -> list[str] | None:
    """Every string with the keys that say something; None where the data are nested deeper than anybody does."""
    if depth > _MAX_DEPTH:
        return None
    if isinstance(data, str):
        return _value(data, key)
    pairs = data if isinstance(data, _Pairs) else [(key, one) for one in data] if isinstance(data, list) else []
    found: list[str] = []
    for name, one in pairs:
        inner = _values(one, name, depth + 1)
        if inner is None:
            return None
        if not _is_of(name, _SAID_BY_NONE):
            if isinstance(one, _Pairs) or one == []:
                found.append(name)
            elif not isinstance(one, str | list):
                found.append(f"{name}: {one}")
        found += inner
    return found


def _value(said: str, key: str) -> list[str]:
    if _is_of(key, _SAID_BY_NONE):
        return [] if _says_nothing(said) else [said]
    return [f"{' '.join(_words(key)) or key}: {said}"]


def _of_program(text: str) -> str:
    """The strings of a program, one a line; nothing where a line says anything else."""
    found = []
    for line in text.split("\n"):
        match = _LINE.fullmatch(line.strip())
        rest = f"{match['before']} {match['after']}" if match else line
        if not _is_of(rest, _CODE):
            return ""
        if match and not _says_nothing(match["said"]):
            found.append(match["said"])
    return "\n".join(found)


def _is_of(text: str, words: frozenset[str]) -> bool:
    """Whether every word of a key, or of a program beside its strings, is one of `words` or a variable's letter."""
    return text.isascii() and all(len(word) == 1 or word in words for word in _words(text))


def _says_nothing(value: str) -> bool:
    """Whether a string is empty, a size, or a word of data such as `edit`. Letters one by one may spell something."""
    words = _words(_SIZE.sub("", value))
    return (
        value.isascii() and not _SIGN.search(value) and all(word in _SAID_BY_NONE and len(word) > 1 for word in words)
    )


def _words(text: str) -> list[str]:
    return [hump.lower() for word in _WORD.findall(text) for hump in _HUMP.findall(word) or [word]]
