"""The ed25519 keys that sign verdicts: made, read, told by their fingerprints. The one module that holds a private key.

No text of a private key is ever part of an error, a log or a repr.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gate.errors import UsageError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

VARIABLE = "GATE_SIGNING_KEY"
PRIVATE_NAME, PUBLIC_NAME = "gate-signing-key.pem", "gate-signing-key.pub.pem"
_MADE_BY = "`gate keygen` makes a pair."
_BEGIN = "-----BEGIN "
_KEY_CAP = 64 * 2**10
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicKey:
    """A key that verifies. `fingerprint` is `sha256:<hex>` over the key's SubjectPublicKeyInfo in DER."""

    key: Ed25519PublicKey
    fingerprint: str

    def verifies(self, signature: bytes, message: bytes) -> bool:
        """Say whether this key's owner signed the message."""
        from cryptography.exceptions import InvalidSignature

        try:
            self.key.verify(signature, message)
        except InvalidSignature:
            return False
        return True


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningKey:
    """A key that signs. `warnings` say what is unwise about how it is kept."""

    key: Ed25519PrivateKey
    warnings: tuple[str, ...] = ()

    @property
    def public(self) -> PublicKey:
        """The other half."""
        return _public(self.key.public_key())

    def sign(self, message: bytes) -> bytes:
        """Give the 64 bytes of the signature."""
        return self.key.sign(message)


def _public(key: Ed25519PublicKey) -> PublicKey:
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    der = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return PublicKey(key=key, fingerprint=f"sha256:{hashlib.sha256(der).hexdigest()}")


def make_pair() -> tuple[bytes, bytes, PublicKey]:
    """Make a pair: the private half in PEM (PKCS 8), the public one in PEM (SubjectPublicKeyInfo), and the latter read.

    Both are what `openssl genpkey -algorithm ed25519` and `openssl pkey -pubout` write.
    """
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return private, public, _public(key.public_key())


def key_files(folder: Path) -> tuple[Path, Path, PublicKey]:
    """Write a new pair into a folder, the private half readable by its owner alone; nothing is overwritten.

    Raises:
        UsageError: a file of that name is there, or the folder cannot be written.
    """
    paths = folder / PRIVATE_NAME, folder / PUBLIC_NAME
    for path in paths:
        if os.path.lexists(path):
            raise UsageError(
                f"{path} is there already.",
                remedy="Keep it, or name another folder with --out: a lost key cannot sign.",
            )
    private, public, key = make_pair()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for path, text, mode in zip(paths, (private, public), (0o600, 0o644), strict=True):
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
            with os.fdopen(descriptor, "wb") as file:
                file.write(text)
    except OSError as error:
        raise UsageError(
            f"The keys cannot be written to {folder}: {error.strerror}.", remedy="Name another folder with --out."
        ) from None
    return (*paths, key)


def signing_key() -> SigningKey | None:
    """Give the key of GATE_SIGNING_KEY: the path of a private key in PEM, or its text. None where nothing is set.

    Raises:
        UsageError: it cannot be read, or is no ed25519 key without a password.
    """
    value = os.environ.get(VARIABLE, "").strip()
    if not value:
        return None
    if value.startswith(_BEGIN):
        lines = value.replace("\\n", "\n")  # some secret stores keep a text in one line
        return SigningKey(key=_private(lines.encode("utf-8", "replace"), f"The text in {VARIABLE}"))
    text, mode = _file(value)
    key = _private(text, f"The file that {VARIABLE} names")
    open_to = [f"The signing key's file can be read by others than its owner: chmod 600 mends that ({VARIABLE})."]
    return SigningKey(key=key, warnings=tuple(open_to) if mode & _OTHERS else ())


def _file(value: str) -> tuple[bytes, int]:
    """Read the file; its name is not told, since a mangled key would be told with it."""
    try:
        path = Path(value).expanduser()
        facts = path.stat()
        if stat.S_ISREG(facts.st_mode) and facts.st_size <= _KEY_CAP:
            return path.read_bytes(), facts.st_mode
        why = "it names no regular file of a key's size"
    except OSError as error:
        why = f"as a path it cannot be read ({error.strerror})"
    except (ValueError, RuntimeError):
        why = "it is no path"
    raise UsageError(
        f"{VARIABLE} is neither a private key in PEM nor the path of one: {why}. Its value is not shown here.",
        remedy=f"Set it to the path of the file, or to the text from {_BEGIN}PRIVATE KEY----- on. {_MADE_BY}",
    )


def _private(text: bytes, what: str) -> Ed25519PrivateKey:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    if b"ENCRYPTED" in text:
        raise _unusable(what, "is encrypted, and the gate asks for no password", "Give the key without a password.")
    if b"PUBLIC KEY" in text and b"PRIVATE KEY" not in text:
        raise _unusable(what, "is the public half", "Give the private half: only that signs.")
    key = _loaded(load_pem_private_key, text, None)
    if key is None:
        raise _unusable(what, "is no private key in PEM (PKCS 8)", "")
    if not isinstance(key, Ed25519PrivateKey):
        raise _unusable(what, f"is a key of another kind ({_kind(key)})", "Verdicts are signed with ed25519.")
    return key


def _unusable(what: str, why: str, remedy: str) -> UsageError:
    return UsageError(f"{what} {why}.", remedy=f"{remedy} {_MADE_BY}".strip())


def _loaded(load: Callable[..., Any], *given: Any) -> Any:  # noqa: ANN401 - a key of any kind
    """Give what a loader makes of a key's text, None where it makes nothing of it."""
    from cryptography.exceptions import UnsupportedAlgorithm

    try:
        return load(*given)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return None


def _kind(key: object) -> str:
    return type(key).__name__.lstrip("_").removesuffix("PrivateKey").removesuffix("PublicKey")


def public_keys(entries: Sequence[str], below: Callable[[str], Path], place: str) -> tuple[PublicKey, ...]:
    """Read the public keys that a setting names: files, or PEM texts. `place` is where the setting stands.

    Raises:
        UsageError: an entry cannot be read, or is no public ed25519 key.
    """
    return tuple(_trusted(public_text(entry, below, place), place) for entry in entries)


def public_text(entry: str, below: Callable[[str], Path], place: str) -> bytes:
    """Give the PEM text of a key that a setting holds or names.

    Raises:
        UsageError: the file cannot be read, or it is a private key.
    """
    text = entry.encode("utf-8", "replace") if entry.lstrip().startswith(_BEGIN) else _named(below(entry), place)
    if b"PRIVATE KEY" in text:
        raise UsageError(
            f"{place}: a private key is named where a public one belongs.",
            remedy="Name the public half, and make a new pair if others could read this one.",
        )
    return text.strip() + b"\n"


def _named(path: Path, place: str) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(_KEY_CAP)
    except OSError as error:
        raise UsageError(
            f"{place}: the public key {path} cannot be read: {error.strerror}.", remedy="Correct the path."
        ) from None


def loaded_public(text: bytes) -> Any:  # noqa: ANN401 - a key of any kind
    """Give the public key of any kind that a PEM text holds, None where it holds none."""
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    return _loaded(load_pem_public_key, text)


def _trusted(text: bytes, place: str) -> PublicKey:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    key = loaded_public(text)
    if not isinstance(key, Ed25519PublicKey):
        kind = f"a key of another kind ({_kind(key)})" if key is not None else "no public key in PEM"
        raise UsageError(f"{place}: an entry is {kind}.", remedy=f"Verdicts are signed with ed25519. {_MADE_BY}")
    return _public(key)
