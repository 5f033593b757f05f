"""Makes rows as careless or disguised typing would: so that noise by itself says nothing about what is asked."""

import random
import string
import unicodedata

_LEET = str.maketrans({"a": "4", "e": "3", "i": "1", "o": "0", "s": "5", "t": "7"})
_SYMBOLS = string.ascii_letters + string.digits + string.punctuation + "éßñøабвгдежαβγδ中文字あいう한글अकمنלש😀🔥💃✨"


def mistyped(text: str, draw: random.Random) -> str:
    """`text` with a few slips: letters dropped, doubled or swapped, case and accents lost, marks and emoji added."""
    letters = list(text)
    for _ in range(max(1, len(letters) // draw.choice((12, 20, 30)))):
        at = draw.randrange(len(letters))
        slip = draw.randrange(4)
        if slip == 0 and len(letters) > 6:
            del letters[at]
        elif slip == 1:
            letters.insert(at, letters[at])
        elif slip == 2 and at + 1 < len(letters):
            letters[at], letters[at + 1] = letters[at + 1], letters[at]
        elif letters[at] == " ":
            letters[at] = draw.choice((",", "  ", "-", "_", "."))
    made = "".join(letters)
    change = draw.randrange(6)
    if change == 0:
        made = made.upper()
    elif change == 1:
        made = made.lower()
    elif change == 2:
        made = "".join(c for c in unicodedata.normalize("NFD", made) if not unicodedata.combining(c))
    elif change == 3:
        made += draw.choice(("!!", "...", " 😀", " 🔥🔥", " pls", "???", " lol", " #edit"))
    return made or text


_WRAPPERS = (
    "```\n{0}\n```",
    "`{0}`",
    '{{"prompt": "{0}"}}',
    "<p>{0}</p>",
    "<b>{0}</b>",
    "**{0}**",
    "> {0}",
    "- {0}",
    "[{0}]",
    '"{0}"',
    "prompt = '{0}'",
    "/imagine {0}",
    "{0} --ar 3:2 --v 6",
)


def disguised(text: str, draw: random.Random) -> str:
    """`text` as a half-undone disguise looks: wrapped, run together, some letters as digits, parted or replaced."""
    way = draw.randrange(6)
    if way == 4:
        return draw.choice(_WRAPPERS).format(text)
    if way == 5:
        return draw.choice(("", "\n", "_", ".")).join(text.split())
    if way == 0:
        return "".join(c.translate(_LEET) if draw.random() < 0.6 else c for c in text.lower())
    if way == 1:
        mark = draw.choice((".", "-", "_", "*", " ", "|"))
        return " ".join(mark.join(word) if draw.random() < 0.6 else word for word in text.split())
    if way == 2:
        return "".join(c * 2 if c.isalpha() and draw.random() < 0.4 else c for c in text)
    return "".join(draw.choice(_SYMBOLS) if c.isalpha() and draw.random() < 0.25 else c for c in text)


def numbered(text: str, draw: random.Random) -> str:
    """`text` with a number, as files, takes and benchmarks have: no number says anything, 69 and 18 included."""
    number = draw.choice((draw.randrange(1, 100), draw.randrange(1, 3000), 69, 18))
    return draw.choice(("{0} {1}", "{0}, number {1}", "{0} #{1}", "{1}. {0}", "{0} ({1})", "{0} v{1}")).format(
        text, number
    )


def gibberish(draw: random.Random) -> str:
    """A line that means nothing: random symbols, or letters in groups, as codes and keys look."""
    alphabet = draw.choice((_SYMBOLS, string.ascii_lowercase, string.ascii_letters + string.digits, "01 ", ".- /"))
    words = ("".join(draw.choices(alphabet, k=draw.randint(1, 14))) for _ in range(draw.randint(1, 12)))
    return draw.choice((" ", "", " ")).join(words) or "?"
