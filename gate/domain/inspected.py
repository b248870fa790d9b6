"""What a look at an artifact's files told, before anything of it was loaded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class ArtifactClass(StrEnum):
    """What loading an artifact executes, from nothing to anything."""

    DATA = "data"
    """Numbers and text alone: ONNX, JSON, UBJSON, safetensors, LightGBM's text."""
    SKOPS = "skops"
    """skops files that name nothing but types of the gate's own list."""
    PICKLE = "pickle"
    """Pickles that name nothing but types of the gate's own list."""
    CODE = "code"
    """Code of the artifact's own, or something that the gate cannot read."""


class Action(StrEnum):
    """What the policy does with a class."""

    ALLOW = "allow"
    """Load it in a worker process, at whatever isolation there is."""
    SANDBOX = "sandbox"
    """Load it only where the isolation is a sandbox (bwrap, landlock)."""
    APPROVAL = "approval"
    """Load it only where a named person said so: a waiver of security.artifact_class."""
    DENY = "deny"
    """Never load it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that was found: the file (`model.zip!data.pkl` inside another), the symbol or line, what it does.

    All three are printable and cut: file names and symbols are the artifact's, so hostile.
    """

    file: str
    symbol: str
    what: str

    def __str__(self) -> str:
        """Name file and symbol, and say what it does."""
        return f"{self.file}: {self.symbol} {self.what}" if self.symbol else f"{self.file} {self.what}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Opinion:
    """What another scanner says. `problem` says why it says nothing."""

    scanner: str
    findings: tuple[Finding, ...] = ()
    problem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspection:
    """What the files of one version are.

    `findings` are what has no place in such an artifact, or cannot be read. `declared` is the code that MLmodel openly
    brings. `requirements` are lines that would make an installer fetch or run something else than a named package.
    `formats` names each file's format.
    """

    artifact_class: ArtifactClass
    findings: tuple[Finding, ...] = ()
    declared: tuple[Finding, ...] = ()
    requirements: tuple[Finding, ...] = ()
    formats: Mapping[str, str] = field(default_factory=dict)
    opinions: tuple[Opinion, ...] = ()
    action: Action = Action.ALLOW
    """What the policy says of the class."""
    denied: str = ""
    """Why the version must not be loaded, empty where it may be."""
