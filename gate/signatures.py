"""Whether a candidate's files are signed, where a team asks; what is not signed as it must be is not loaded."""

from __future__ import annotations

from dataclasses import replace

from gate.attesting import model_signature
from gate.attesting.keys import public_text
from gate.config import Config
from gate.domain import Comparison, ModelSignature, SignatureState
from gate.errors import UsageError


def keys_of(config: Config, model: str) -> tuple[model_signature.ModelKey, ...]:
    """Give the keys that may sign a model.

    Raises:
        UsageError: a key cannot be read; or a signature is required, and no key is named or the extra is missing.
    """
    settings = config.model(model).security
    place = config.place_of(model, "security", "model_keys")
    keys = tuple(
        model_signature.model_key(public_text(entry, config.below, place), place) for entry in settings.model_keys
    )
    if not settings.require_model_signature:
        return keys
    place = config.place_of(model, "security", "require_model_signature")
    if not keys:
        raise UsageError(
            f"{place}: security.require_model_signature is set, and security.model_keys names no key.",
            remedy="Name the public half of the key that signs models.",
        )
    if not model_signature.installed():
        raise UsageError(
            f"{place}: security.require_model_signature is set, and the package that verifies is not installed.",
            remedy=f"Install it: {model_signature.EXTRA}.",
        )
    return keys


def looked_at(comparison: Comparison, config: Config) -> tuple[Comparison, ModelSignature]:
    """Verify the candidate's signature; give the comparison, in which what must not be loaded is withheld.

    Raises:
        UsageError: as keys_of.
    """
    candidate = comparison.candidate
    found = _found(comparison, config)
    if not found.refused or candidate.artifact is None:
        return comparison, found
    withheld = replace(candidate, withheld=f"the version was not loaded: {found.why}")
    return replace(comparison, candidate=withheld), found


def _found(comparison: Comparison, config: Config) -> ModelSignature:
    candidate = comparison.candidate
    settings = config.model(candidate.model).security
    keys = keys_of(config, candidate.model)
    if not keys:
        return _unchecked("security.model_keys in gate.yaml names no key that signs models")
    if candidate.artifact is None:
        return _unchecked("the version has no files that could be signed")
    if not model_signature.installed():
        return _unchecked(f"the package that verifies is not installed: {model_signature.EXTRA}")
    found = model_signature.look_at(candidate.artifact, settings.model_signature, keys)
    return replace(found, required=settings.require_model_signature)


def _unchecked(why: str) -> ModelSignature:
    return ModelSignature(state=SignatureState.UNCHECKED, why=why)
