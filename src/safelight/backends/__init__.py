"""Image models behind the gate, each behind the one small port in `ports.py`.

`openai` any OpenAI-compatible upstream · `sketch` procedural pictures, no model · `memory` the twin for tests.
"""
