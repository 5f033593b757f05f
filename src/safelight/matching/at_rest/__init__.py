"""Files that are encrypted on the disk, and clear only in memory that processes share: of banks, and of copies."""
