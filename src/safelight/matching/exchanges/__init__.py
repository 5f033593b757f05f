"""Exchanges: sources and sinks of hashes outside, one file each behind one port."""
