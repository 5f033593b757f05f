"""The index of 256-bit hashes: every neighbour within a radius, on disk, shared by processes, changed while in use."""
