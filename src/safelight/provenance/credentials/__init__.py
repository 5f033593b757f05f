"""Content credentials (C2PA 2.x): signed on the way out, read on the way in."""
