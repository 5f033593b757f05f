"""How hidden text is read: one file for each family of tricks, and `words.py`, which knows what language looks like."""
