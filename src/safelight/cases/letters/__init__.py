"""Letters to both sides, one file of words a language."""
