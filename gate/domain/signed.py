"""Who signed a model's files, before anybody judged them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class SignatureState(StrEnum):
    """What came of looking for a model's signature. Unchecked: nothing is configured, or not required and not there."""

    VALID = "valid"
    INVALID = "invalid"
    MISSING = "missing"
    UNCHECKED = "unchecked"


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSignature:
    """Whether a trusted key signed all of a version's files.

    `why` is a sentence's end about what was found. `fingerprint` is that of the key that signed (`sha256:…`), and
    `files` the number of files that it signed. `uncovered` are paths that the signature leaves out.
    """

    state: SignatureState
    why: str
    required: bool = False
    fingerprint: str | None = None
    files: int = 0
    uncovered: tuple[str, ...] = ()

    @property
    def refused(self) -> bool:
        """Whether the version must not even be loaded."""
        return self.state is SignatureState.INVALID or (self.required and self.state is SignatureState.MISSING)
