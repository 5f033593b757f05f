"""Measuring sets whose author never read the grammar that trains; see README.md here."""
