"""Word lists by language, as data: `minors.toml`."""
