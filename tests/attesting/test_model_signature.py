"""A model's signature holds for all of its files or for none, whatever the signature says of itself."""

from __future__ import annotations

import base64
import json

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from model_signing import hashing, signing

from gate.attesting.model_signature import look_at, model_key
from gate.errors import UsageError
from gate.registry.tree import read_tree
from tests.attesting.conftest import FILES, make_signer


def sign(model, signer, config=None, ignored=()):
    """Sign as `model_signing sign key` does, with the signature among the files."""
    chosen = config or hashing.Config().use_file_serialization()
    chosen.set_ignored_paths(paths=["model.sig", *ignored])
    target = model / "model.sig"
    signing.Config().use_elliptic_key_signer(private_key=signer.private).set_hashing_config(chosen).sign(model, target)
    return target


def found(model, *signers):
    keys = [model_key(signer.public, "gate.yaml:1") for signer in signers]
    return look_at(read_tree(model), "model.sig", keys)


@pytest.mark.parametrize("curve", [ec.SECP256R1(), ec.SECP384R1(), ec.SECP521R1()], ids=lambda curve: curve.name)
def test_a_signed_model(model, tmp_path, curve):
    """Every file is covered, with each curve that the library knows."""
    signer = make_signer(tmp_path / "other", curve)
    sign(model, signer)
    seen = found(model, signer)
    assert (seen.state, seen.files, seen.uncovered) == ("valid", 4, ())
    assert seen.fingerprint == model_key(signer.public, "").fingerprint


@pytest.mark.parametrize("algorithm", ["sha256", "blake2", "blake3"])
@pytest.mark.parametrize("shard", [None, 64])
def test_each_way_to_hash(model, signer, algorithm, shard):
    """Whole files and pieces of them, by each of the library's hashes."""
    config = hashing.Config()
    if shard is None:
        config.use_file_serialization(hashing_algorithm=algorithm)
    else:
        config.use_shard_serialization(hashing_algorithm=algorithm, shard_size=shard)
    sign(model, signer, config)
    assert found(model, signer).state == "valid"
    (model / "model.pkl").write_bytes(FILES["model.pkl"][:-1] + b"!")
    assert found(model, signer).state == "invalid"


def test_one_of_several_keys(model, signer, tmp_path):
    """It is enough that one trusted key signed; which one is told."""
    sign(model, signer)
    other = make_signer(tmp_path / "other")
    seen = found(model, other, signer)
    assert (seen.state, seen.fingerprint) == ("valid", model_key(signer.public, "").fingerprint)
    assert found(model, other).state == "invalid"


def test_mlflow_own_file_is_left_out(model, signer):
    """MLflow writes it into a stored artifact when somebody loads a version by name."""
    sign(model, signer)
    (model / "registered_model_meta").write_text("model_name: wine\n")
    assert found(model, signer).state == "valid"


@pytest.mark.parametrize("name", [".gitignore", ".gitattributes", ".git/config", ".github/run.py", "code/new.py"])
def test_files_outside_the_signature(model, signer, name):
    """Files that were added after signing are named, also those that the library never looks at."""
    sign(model, signer)
    (model / name).parent.mkdir(exist_ok=True)
    (model / name).write_text("import os\n")
    seen = found(model, signer)
    assert (seen.state, seen.uncovered) == ("invalid", (name,))
    assert repr(name) in seen.why


def test_files_that_the_signature_ignores(model, signer):
    """What a signer told the library to pass over is not signed."""
    sign(model, signer, ignored=["code"])
    assert found(model, signer).uncovered == ("code/helper.py",)


@pytest.mark.parametrize("change", ["altered", "removed", "renamed"])
def test_changed_files(model, signer, change):
    """A file that is not as it was signed."""
    sign(model, signer)
    path = model / "code/helper.py"
    if change == "altered":
        path.write_text("x = 2\n")
    elif change == "removed":
        path.unlink()
    else:
        path.rename(model / "code/other.py")
    seen = found(model, signer)
    assert seen.state == "invalid"
    assert "helper.py" in seen.why


def test_no_signature(model, signer):
    """Missing is not invalid."""
    assert found(model, signer).state == "missing"


def rewritten(path, change):
    """Change the statement inside a signature."""
    bundle = json.loads(path.read_text())
    statement = json.loads(base64.b64decode(bundle["dsseEnvelope"]["payload"]))
    change(statement["predicate"])
    bundle["dsseEnvelope"]["payload"] = base64.b64encode(json.dumps(statement).encode()).decode()
    path.write_text(json.dumps(bundle))


def test_a_rewritten_signature(model, signer):
    """Names added to the signed list, or hashes exchanged, break it."""
    path = sign(model, signer)
    before = path.read_text()
    (model / "evil.py").write_text("import os\n")
    rewritten(path, lambda inner: inner["resources"].append({**inner["resources"][0], "name": "evil.py"}))
    assert found(model, signer).state == "invalid"
    path.write_text(before)
    (model / "evil.py").unlink()
    rewritten(path, lambda inner: inner.update(serialization={"method": "shards", "hash_type": "x", "shard_size": -1}))
    assert found(model, signer).state == "invalid"


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{}",
        b"null",
        b"[]",
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"dsseEnvelope": {}}',
        b'{"dsseEnvelope": {"payload": "e30=", "payloadType": "x", "signatures": [{"sig": ""}]}}',
        b'{"dsseEnvelope": {"payload": "bnVsbA==", "payloadType": "x", "signatures": [{"sig": ""}]}}',
        b'{"mediaType": 1, "mediaType": 2}',
        b" " * (5 * 2**20),
    ],
    ids=range(11),
)
def test_what_is_no_signature(model, signer, text):
    """A file that was made to break its reader is no signature, and nothing else."""
    (model / "model.sig").write_bytes(text)
    assert found(model, signer).state == "invalid"


def test_each_byte_of_a_signature(model, signer):
    """A byte changed anywhere gives no other valid signature: it breaks, or what is signed stays the same."""
    path = sign(model, signer)
    before = path.read_bytes()
    valid = found(model, signer)
    for place in range(3, len(before), 61):
        path.write_bytes(before[:place] + bytes([before[place] ^ 1]) + before[place + 1 :])
        seen = found(model, signer)
        assert seen.state == "invalid" or seen == valid


def test_nothing_is_printed(model, signer, capfd):
    """The library's warnings do not reach the gate's standard output, which may be a report."""
    path = sign(model, signer)
    bundle = json.loads(path.read_text())
    bundle["verificationMaterial"]["publicKey"].pop("hint", None)
    path.write_text(json.dumps(bundle))
    assert found(model, signer).state == "valid"
    assert capfd.readouterr().out == ""


def test_keys_of_another_kind():
    """An ed25519 key signs verdicts, not models."""
    from gate.attesting.keys import make_pair

    for text in (make_pair()[1], b"no key", b""):
        with pytest.raises(UsageError, match=r"gate\.yaml:3: an entry is no public elliptic-curve key"):
            model_key(text, "gate.yaml:3")
