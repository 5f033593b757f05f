"""How good the judgement of requests is, measured: recall beside false positives, by family, language and category."""
