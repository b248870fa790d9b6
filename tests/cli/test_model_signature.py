"""Signatures of models, required or not: through the command line, with the library that signs them."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from filelock import FileLock

from tests.cli.conftest import FAST, Project

CHECK = "security.model_signature"
REQUIRED = "models: {%s: {security: {require_model_signature: true, model_keys: [%s]}}}\n"
NAMED = "models: {%s: {security: {model_keys: [%s]}}}\n"
WITH_SECURITY = ("--only", FAST[1] + ",security")


@pytest.fixture(scope="session")
def workshop(world, tmp_path_factory, worker_id) -> Path:
    """A registry with a signed model, and with others that were changed after signing; nobody writes to it."""
    base = tmp_path_factory.getbasetemp()
    folder = (base if worker_id == "master" else base.parent) / "workshop"
    with FileLock(f"{folder}.lock"):
        if not (folder / "done").exists():
            folder.mkdir()
            shutil.copy(world / "mlflow.db", folder / "mlflow.db")
            _keys(folder)
            for name in ("signed", "unsigned", "altered", "added"):
                _model(folder, name)
            _register(folder)
            (folder / "done").touch()
    return folder


def _keys(folder):
    key = ec.generate_private_key(ec.SECP256R1())
    (folder / "ec.pem").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    (folder / "ec.pub.pem").write_bytes(public)


def _model(folder, name):
    """Copy the files of house, sign them where it says so, and spoil them afterwards."""
    from model_signing import hashing, signing

    with sqlite3.connect(folder / "mlflow.db") as base:
        rows = base.execute("select artifact_location from logged_models order by creation_timestamp_ms").fetchall()
    target = folder / name
    shutil.copytree(rows[1][0].removeprefix("file://"), target)
    if name == "unsigned":
        return
    chosen = hashing.Config().use_file_serialization().set_ignored_paths(paths=["model.sig"])
    signer = signing.Config().use_elliptic_key_signer(private_key=folder / "ec.pem")
    signer.set_hashing_config(chosen).sign(target, target / "model.sig")
    if name == "altered":
        (target / "requirements.txt").write_text("evil\n")
    if name == "added":
        (target / ".gitignore").write_text("*\n")


def _register(folder):
    code = (
        "import sys, mlflow, pathlib\nfolder = pathlib.Path(sys.argv[1])\n"
        "c = mlflow.MlflowClient(f'sqlite:///{folder}/mlflow.db')\n"
        "for name in ('signed', 'unsigned', 'altered', 'added'):\n"
        "    c.create_registered_model(name)\n"
        "    c.create_model_version(name, source=(folder / name).as_uri())\n"
    )
    done = subprocess.run([sys.executable, "-c", code, folder], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.fixture
def shop(workshop, world, tmp_path):
    """Make a project with some settings on a copy of that registry."""

    def make(settings):
        folder = tmp_path / "project"
        folder.mkdir(exist_ok=True)
        shutil.copy(workshop / "mlflow.db", folder / "mlflow.db")
        (folder / "gate.yaml").write_text(
            "tracking_uri: sqlite:///mlflow.db\n"
            f"defaults: {{data: {{path: {world / 'eval.parquet'}, target: y, id: id}}}}\n" + settings
        )
        return Project(folder=folder)

    return make


def test_a_signed_model_passes(shop, workshop):
    """All files are covered; the report tells by which key."""
    ended = shop(REQUIRED % ("signed", workshop / "ec.pub.pem")).gate("check", "signed", "1", "--json", *WITH_SECURITY)
    assert ended.code == 0, ended.err
    found = ended.check(CHECK)
    assert found["status"] == "passed"
    measured = {each["name"]: each["value"] for each in found["measurements"]}
    assert measured["signed_files"] >= 4
    assert measured["key"].startswith("sha256:")
    assert ended.status("contract.loads") == "passed"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("unsigned", "there is no signature at 'model.sig'"),
        ("altered", "requirements.txt"),
        ("added", "leaves files out: '.gitignore'"),
    ],
)
def test_what_is_not_signed_is_rejected_and_not_loaded(shop, workshop, name, words):
    """Critical: exit 1; and no code of the model runs."""
    ended = shop(REQUIRED % (name, workshop / "ec.pub.pem")).gate("check", name, "1", "--json", *WITH_SECURITY)
    assert ended.code == 1, ended.err
    found = ended.check(CHECK)
    assert (found["status"], found["severity"]) == ("failed", "critical")
    assert words in found["message"]
    assert "was not loaded" in ended.check("contract.loads")["message"]
    assert ended.report["candidate"]["digest"]


def test_where_nothing_is_required(shop, workshop):
    """Skipped with the reason; a signature that is there and broken rejects all the same."""
    named = NAMED % ("unsigned", workshop / "ec.pub.pem")
    free = shop(named).gate("check", "unsigned", "1", "--json", *WITH_SECURITY)
    assert free.code == 0, free.err
    assert free.status(CHECK) == "skipped"
    assert "require_model_signature is not set" in free.check(CHECK)["message"]
    broken = shop(NAMED % ("altered", workshop / "ec.pub.pem")).gate("check", "altered", "1", "--json", *WITH_SECURITY)
    assert (broken.code, broken.status(CHECK)) == (1, "failed")
    silent = shop("").gate("check", "signed", "1", "--json", *WITH_SECURITY)
    assert silent.status(CHECK) == "skipped"
    assert "security.model_keys" in silent.check(CHECK)["message"]


def test_another_key(shop, tmp_path):
    """Signed by somebody whom nobody trusts."""
    key = ec.generate_private_key(ec.SECP256R1()).public_key()
    (tmp_path / "other.pem").write_bytes(key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    project = shop(REQUIRED % ("signed", tmp_path / "other.pem"))
    ended = project.gate("check", "signed", "1", "--json", *WITH_SECURITY)
    assert (ended.code, ended.status(CHECK)) == (1, "failed")


def test_settings_that_cannot_work(shop, tmp_path):
    """Exit 2 with file and line, before anything is asked."""
    (tmp_path / "none.pem").write_text("no key")
    for keys, words in (("", "names no key"), ("nowhere.pem", "cannot be read"), (tmp_path / "none.pem", "no public")):
        ended = shop(REQUIRED % ("signed", keys)).gate("check", "signed", "1")
        assert ended.code == 2, ended.err
        assert "gate.yaml:3" in ended.err
        assert words in ended.err


def test_where_the_extra_is_missing(shop, workshop, tmp_path):
    """Required: exit 2 and how to install it. Only named: skipped with the same words."""
    shadow = tmp_path / "shadow/model_signing"
    shadow.mkdir(parents=True)
    (shadow / "__init__.py").write_text("raise ModuleNotFoundError(name='model_signing')\n")
    environment = {"PYTHONPATH": str(shadow.parent)}
    words = "pip install 'model-release-gate[sign]'"
    required = shop(REQUIRED % ("signed", workshop / "ec.pub.pem"))
    ended = required.gate_afresh("check", "signed", "1", **environment)
    assert ended.code == 2, ended.err
    assert words in ended.err
    named = shop(NAMED % ("signed", workshop / "ec.pub.pem"))
    ended = named.gate_afresh("check", "signed", "1", "--json", *WITH_SECURITY, **environment)
    assert ended.code == 0, ended.err
    assert words in ended.check(CHECK)["message"]
