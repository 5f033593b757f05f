"""How the text judgement is trained and measured; no part of the installed package."""
