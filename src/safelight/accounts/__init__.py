"""Who asks: API keys, subjects and their standing, budgets."""
