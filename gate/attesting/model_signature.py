"""The signature of a model's files: OpenSSF model signing, with public keys. The one module that knows model-signing.

The library decides whether a signature holds. It leaves files out, though: `.gitignore` and its like always, and what
the signature itself says is to be ignored. So every file that the signature does not name is a finding here.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gate.attesting.envelope import BrokenEnvelopeError, strict_json
from gate.attesting.envelope import read as read_envelope
from gate.attesting.keys import loaded_public
from gate.domain import Artifact, ModelSignature, SignatureState
from gate.errors import UsageError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey

EXTRA = "pip install 'model-release-gate[sign]'"
_CURVES = ("secp256r1", "secp384r1", "secp521r1")
_LEFT_OUT = "registered_model_meta"
"""MLflow writes it when somebody loads a version by name; the digest leaves it out too."""
_SIGNATURE_CAP = 4 * 2**20
_TOLD = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelKey:
    """A public key that may sign models. `fingerprint` is `sha256:<hex>` over its SubjectPublicKeyInfo in DER."""

    pem: bytes
    fingerprint: str


class _UnreadableError(Exception):
    """The signature is none that could be verified. The text says why."""


def model_key(text: bytes, place: str) -> ModelKey:
    """Read a public elliptic-curve key in PEM. `place` is where the setting stands.

    Raises:
        UsageError: it is none, or of a curve that model signing does not know.
    """
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    key = loaded_public(text)
    if not isinstance(key, EllipticCurvePublicKey) or key.curve.name not in _CURVES:
        raise UsageError(
            f"{place}: an entry is no public elliptic-curve key in PEM.",
            remedy=f"Models are signed with a key of {', '.join(_CURVES)}: openssl ecparam -genkey -name prime256v1.",
        )
    der = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return ModelKey(pem=_pem(key), fingerprint=f"sha256:{hashlib.sha256(der).hexdigest()}")


def _pem(key: EllipticCurvePublicKey) -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def installed() -> bool:
    """Say whether the extra is there."""
    try:
        import model_signing.verifying  # noqa: F401 - importing it is the question
    except ImportError:
        return False
    return True


def look_at(artifact: Artifact, path: str, keys: Sequence[ModelKey]) -> ModelSignature:
    """Verify the signature that lies at `path` of an artifact, over all other files of it.

    Needs the extra. A signature that is broken, or was made to break what reads it, is invalid, never an error.
    """
    signature = artifact.path / path
    if path not in {file.path for file in artifact.files}:
        return ModelSignature(state=SignatureState.MISSING, why=f"there is no signature at {path!r}")
    try:
        named = _named(signature)
        key = _signer(artifact, signature, named, keys)
    except _UnreadableError as error:
        return ModelSignature(state=SignatureState.INVALID, why=str(error))
    uncovered = tuple(sorted({file.path for file in artifact.files} - named - {path, _LEFT_OUT}))
    if uncovered:
        why = f"the signature leaves files out: {_few(uncovered)}"
        return ModelSignature(
            state=SignatureState.INVALID, why=why, fingerprint=key.fingerprint, files=len(named), uncovered=uncovered
        )
    why = f"all {len(named)} files are signed by the key {key.fingerprint}"
    return ModelSignature(state=SignatureState.VALID, why=why, fingerprint=key.fingerprint, files=len(named))


def _few(names: Sequence[str]) -> str:
    rest = len(names) - _TOLD
    return ", ".join(map(repr, names[:_TOLD])) + (f" and {rest} more" if rest > 0 else "")


def _named(signature: Path) -> frozenset[str]:
    """Name the files that a signature is about. Nothing of it is verified yet."""
    predicate = _statement(signature).get("predicate")
    resources = predicate.get("resources") if isinstance(predicate, dict) else None
    if not isinstance(resources, list) or not isinstance(predicate, dict):
        raise _UnreadableError("the signature names no files")
    names = [each.get("name") for each in resources if isinstance(each, dict)]
    if not names or not all(isinstance(name, str) for name in names):
        raise _UnreadableError("the signature names no files")
    in_pieces = _serialization(predicate).get("method") == "shards"
    return frozenset(name.rsplit(":", 2)[0] if in_pieces else name for name in map(str, names))


def _statement(signature: Path) -> dict[str, Any]:
    """Read what the Sigstore bundle around the signature holds, by the rules for envelopes."""
    with signature.open("rb") as file:
        text = file.read(_SIGNATURE_CAP + 1)
    try:
        bundle = strict_json(text)
        inner = bundle.get("dsseEnvelope") if isinstance(bundle, dict) else None
        found = strict_json(read_envelope(json.dumps(inner).encode()).payload)
    except BrokenEnvelopeError as error:
        raise _UnreadableError(f"the signature cannot be read: {error}") from None
    if not isinstance(found, dict):
        raise _UnreadableError("the signature cannot be read: it holds no statement")
    return found


def _serialization(predicate: dict[str, Any]) -> dict[str, Any]:
    found = predicate.get("serialization")
    return found if isinstance(found, dict) else {}


def _signer(artifact: Artifact, signature: Path, named: frozenset[str], keys: Sequence[ModelKey]) -> ModelKey:
    """Give the first key that signed the named files as they are."""
    problems = []
    with tempfile.TemporaryDirectory(prefix="signed-", dir=artifact.path.parent) as place:
        view = Path(place, "model")
        _link(artifact, view, named)
        for key in keys:
            public = Path(place, "key.pem")
            public.write_bytes(key.pem)
            problem = _problem(view, signature, public)
            if problem is None:
                return key
            problems.append(problem)
    raise _UnreadableError(f"the signature does not hold: {problems[0]}" if len(keys) == 1 else _none_of(problems))


def _none_of(problems: Sequence[str]) -> str:
    return f"none of the {len(problems)} trusted keys made the signature ({'; '.join(dict.fromkeys(problems))})"


def _link(artifact: Artifact, view: Path, named: frozenset[str]) -> None:
    """Lay out exactly the files that the signature names: what it leaves out must not decide whether it holds."""
    view.mkdir()
    for file in artifact.files:
        if file.path in named:
            target = view / file.path
            target.parent.mkdir(parents=True, exist_ok=True)
            try:
                os.link(artifact.path / file.path, target)
            except OSError:  # a file system without hard links
                shutil.copyfile(artifact.path / file.path, target)


def _problem(view: Path, signature: Path, public: Path) -> str | None:
    """Let the library verify; say in a line why not, None where the signature holds."""
    from model_signing import verifying

    config = verifying.Config().use_elliptic_key_verifier(public_key=public)
    config.set_hashing_config(_hashing(signature))
    try:
        with contextlib.redirect_stdout(io.StringIO()):  # the library prints its warnings
            config.verify(view, signature)
    except Exception as error:  # noqa: BLE001 - whatever a hostile signature breaks, it is no valid one
        text = " ".join(str(error).split())[:300]
        return text or f"it was not made by this key ({type(error).__name__})"
    return None


def _hashing(signature: Path) -> Any:  # noqa: ANN401 - the library's own type, which is not always installed
    """Hash as the signature says that it was hashed, and leave nothing out: the view holds what is signed, alone."""
    from model_signing import hashing

    predicate = _statement(signature).get("predicate")
    said = _serialization(predicate if isinstance(predicate, dict) else {})
    method, algorithm, size = said.get("method", "files"), said.get("hash_type", "sha256"), said.get("shard_size")
    config = hashing.Config()
    if method == "shards" and isinstance(size, (int, float)) and size >= 1:  # the library writes whole numbers as 64.0
        kind = "blake2" if str(algorithm).startswith("blake2") else "sha256"
        config.use_shard_serialization(hashing_algorithm=kind, shard_size=int(size))
    else:
        kind = next((known for known in ("blake2", "blake3") if str(algorithm).startswith(known)), "sha256")
        config.use_file_serialization(hashing_algorithm=kind)
    return config.set_ignored_paths(paths=(), ignore_git_paths=False)
