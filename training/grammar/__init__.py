"""Requests made by rule: attacks and near misses by family and language.

Nothing here is a text that somebody wrote to abuse anyone: the folder holds templates, word lists and codes, and the
requests exist only while a program runs. Words for children are codes of the product's own lexicon, filled in at run
time, so no sentence about a child stands in any file.
"""
