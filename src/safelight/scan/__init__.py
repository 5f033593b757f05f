"""An archive against banks and detectors: every file of folders and object stores, on this machine or on a cluster."""
