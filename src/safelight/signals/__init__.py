"""What can be known of a request. `text/` and `image/` hold one file per detector; `ports.py` is their door."""
