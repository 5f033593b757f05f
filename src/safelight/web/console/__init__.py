"""The moderators' console: a darkroom. Dense, quiet, keyboard first; nothing is shown before somebody asks for it."""
