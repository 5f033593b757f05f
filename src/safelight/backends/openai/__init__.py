"""Any upstream that speaks the OpenAI images interface.

`ask` how a job is written · `answer` how an answer is read · `failure` how a bad one is understood · `backend` the
connection and the limits.
"""

from safelight.backends.openai.backend import OpenAIBackend

__all__ = ["OpenAIBackend"]
