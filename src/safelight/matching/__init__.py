"""Known images and their copies: fingerprints, the index, banks of hashes, exchanges with hotlines."""
