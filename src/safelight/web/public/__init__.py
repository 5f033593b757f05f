"""Pages for anyone, light and calm: they work with scripts off."""
