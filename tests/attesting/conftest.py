"""Keys of people who sign models, and the files of a small model."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

FILES = {
    "MLmodel": b"flavors: {}\n",
    "model.pkl": b"\x80\x04weights" * 100,
    "code/helper.py": b"x = 1\n",
    "requirements.txt": b"scikit-learn\n",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Signer:
    """Somebody with an elliptic-curve key: the file of the private half, and the public half in PEM."""

    private: Path
    public: bytes


def make_signer(folder: Path, curve: ec.EllipticCurve | None = None) -> Signer:
    """Make a key as `openssl ecparam -genkey` does."""
    key = ec.generate_private_key(curve or ec.SECP256R1())
    folder.mkdir(parents=True, exist_ok=True)
    private = folder / "ec.pem"
    private.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return Signer(
        private=private, public=key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    )


@pytest.fixture
def signer(tmp_path) -> Signer:
    return make_signer(tmp_path / "signer")


@pytest.fixture
def model(tmp_path) -> Path:
    """The folder of a model that nobody signed yet."""
    folder = tmp_path / "model"
    for name, text in FILES.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text)
    return folder
