"""Word lists by language, as data: children, garments, people, deceptive scenes."""
