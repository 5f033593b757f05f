"""Whether words stand in the order of a language or in the opposite one, where prepositions and articles tell.

A preposition stands before an article, and an article ends no text: `on the`, `auf dem`, `en la`; never `the on`. In
languages without either nothing is told.
"""

from itertools import pairwise

_ARTICLES = """
the a an my his her their our your this these every
el los las un una unos unas mi sus
le les une mon ma mes cette ces
der die das den dem des ein eine einen einem einer eines
os um uma meu minha
il lo gli uno mio
het een
το τον την του της τα έναν ένα μια
"""
_PREPOSITIONS = """
of in on with to from for at by under behind into over as like off through between beside near
en con para por sobre sin
dans sur avec pour par sans
mit auf von zu für aus unter über neben
em com sob
su tra
op van met naar
σε με από για
"""
ARTICLES = frozenset(_ARTICLES.split())
PREPOSITIONS = frozenset(_PREPOSITIONS.split())
MOST_WORDS = 200
"""Words that are looked at."""


def forwards(text: str) -> int:
    """Places that speak for this order of the words, less those that speak against it."""
    words = text.casefold().split(maxsplit=MOST_WORDS)[:MOST_WORDS]
    score = 0
    for one, next_one in pairwise(words):
        score += one in PREPOSITIONS and next_one in ARTICLES
        score -= one in ARTICLES and next_one in PREPOSITIONS
    return score + (words[0] in ARTICLES) - (words[-1] in ARTICLES) if words else 0
