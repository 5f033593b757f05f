"""What is wrong with a policy text: all of it at once, each defect with its place and the way out."""

from collections.abc import Sequence
from dataclasses import dataclass

from safelight.core.canonical import Json
from safelight.core.errors import PolicyInvalid


@dataclass(frozen=True, slots=True)
class Defect:
    """One thing that keeps a policy from loading."""

    where: str
    """`line 12: rule 'csam_text'`, `line 3: threshold 'undress'`, or `file`."""
    what: str
    next_step: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what}. {self.next_step}"

    def to_json(self) -> dict[str, Json]:
        """For `safelight policy check --json`."""
        return {"where": self.where, "what": self.what, "next_step": self.next_step}


class PolicyDefective(PolicyInvalid):
    """A policy text with defects; `defects` lists them, those of reading before those of meaning."""

    def __init__(self, defects: Sequence[Defect]) -> None:
        count = "1 defect" if len(defects) == 1 else f"{len(defects)} defects"
        super().__init__(f"the policy does not load, {count}:\n" + "\n".join(f"- {defect}" for defect in defects))
        self.defects = tuple(defects)
