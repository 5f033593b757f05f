"""Cases: a person is heard, the image and its copies are gone in time, and it has consequences."""
