"""The policy room: what loads, what it decides, and how it tells why."""
