"""Verified consent: what a person has signed, for which photo, for whom, for what, until when."""
