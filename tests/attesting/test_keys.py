"""Keys: made, read, refused; and no text of a private one ever shown."""

from __future__ import annotations

import subprocess
import traceback
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed448, rsa, x25519
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, NoEncryption, PrivateFormat

from gate.attesting.keys import VARIABLE, key_files, make_pair, public_keys, signing_key
from gate.errors import UsageError


def pem(key, encryption=None, form=PrivateFormat.PKCS8):
    return key.private_bytes(Encoding.PEM, form, encryption or NoEncryption()).decode()


@pytest.fixture
def given(monkeypatch):
    """Set the variable, and read the key."""

    def run(value):
        monkeypatch.setenv(VARIABLE, value)
        return signing_key()

    return run


def test_a_pair_of_files(tmp_path, given):
    """The private half is readable by its owner alone, and signs what the public half verifies."""
    private, public, key = key_files(tmp_path / "new")
    assert private.stat().st_mode & 0o777 == 0o600
    ours = given(str(private))
    assert ours.warnings == ()
    assert ours.public.fingerprint == key.fingerprint
    theirs = public_keys([public.name], lambda name: tmp_path / "new" / name, "gate.yaml:1")
    assert theirs[0].verifies(ours.sign(b"told"), b"told")
    assert not theirs[0].verifies(ours.sign(b"told"), b"other")


def test_openssl_reads_them(tmp_path):
    """The files are the usual ones."""
    private, public, _ = key_files(tmp_path)
    done = subprocess.run(["openssl", "pkey", "-in", private, "-pubout"], capture_output=True, check=True)
    assert done.stdout == public.read_bytes()


def test_nothing_is_overwritten(tmp_path):
    """A key that is there stays, also where only one half is, or a link that leads nowhere."""
    (tmp_path / "gate-signing-key.pub.pem").symlink_to(tmp_path / "nowhere")
    with pytest.raises(UsageError, match="is there already"):
        key_files(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["gate-signing-key.pub.pem"]


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o610])
def test_a_file_that_others_may_touch(tmp_path, given, mode):
    """Is used, with a warning that says how to mend it."""
    private, _, _ = key_files(tmp_path)
    private.chmod(mode)
    assert "chmod 600" in given(str(private)).warnings[0]


def test_the_text_itself(given):
    """As secret stores hand it over: with line ends, or all in one line."""
    text = make_pair()[0].decode()
    one = given(text)
    assert given(f"  {text}\n\n").public.fingerprint == one.public.fingerprint
    assert given(text.replace("\n", "\\n")).public.fingerprint == one.public.fingerprint


@pytest.mark.parametrize("value", ["", "  ", "\n"])
def test_nothing_set(given, value):
    """A secret that is not defined arrives as an empty text."""
    assert given(value) is None


REFUSED = {
    "encrypted": pem(Ed25519PrivateKey.generate(), BestAvailableEncryption(b"secret")),
    "RSA": pem(rsa.generate_private_key(65537, 2048)),
    "another kind (EC)": pem(ec.generate_private_key(ec.SECP256R1())),
    "Ed448": pem(ed448.Ed448PrivateKey.generate()),
    "X25519": pem(x25519.X25519PrivateKey.generate()),
    "is the public half": make_pair()[1].decode(),
    "is no private key in PEM": make_pair()[0].decode().replace("MC4", "MC5"),
}


@pytest.mark.parametrize("what", REFUSED)
@pytest.mark.parametrize("how", ["text", "file"])
def test_what_is_no_signing_key(tmp_path, given, what, how):
    """Exit 2, what it is, what to do; and none of its text."""
    value = REFUSED[what]
    if how == "file":
        (tmp_path / "key").write_text(value)
        value = str(tmp_path / "key")
    with pytest.raises(UsageError) as raised:
        given(value)
    told = "".join(traceback.format_exception(raised.value))
    assert raised.value.exit_code == 2
    assert what in str(raised.value)
    assert "gate keygen" in str(raised.value)
    assert not any(line in told for line in REFUSED[what].splitlines()[1:-1])


def test_a_mangled_key_is_not_shown(given, tmp_path):
    """What is neither a key nor a path could be half a key."""
    body = make_pair()[0].decode().splitlines()[1]
    for value in (body, f"{body}\nx", "/" + body, str(tmp_path), "~nobody-of-this-name/x", "a" * 5000, "\udcff"):
        with pytest.raises(UsageError, match="neither a private key in PEM nor the path of one") as raised:
            given(value)
        assert body not in str(raised.value)


def test_a_key_is_never_shown(given):
    """Neither by its repr nor by that of what holds it."""
    text = make_pair()[0].decode()
    assert text.splitlines()[1] not in repr(given(text))


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        (make_pair()[0].decode(), "a private key is named where a public one belongs"),
        ("nowhere.pem", "cannot be read: No such file"),
        (".", "cannot be read: Is a directory"),
        ("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----", "an entry is no public key in PEM"),
        (
            subprocess.run(
                ["openssl", "pkey", "-pubout"],
                input=pem(ec.generate_private_key(ec.SECP256R1())),
                capture_output=True,
                text=True,
                check=True,
            ).stdout,
            "another kind",
        ),
    ],
)
def test_what_is_no_trusted_key(tmp_path, entry, said):
    """With file and line of the setting; a private key there is refused before it is used."""
    with pytest.raises(UsageError, match=rf"gate\.yaml:7: .*{said}") as raised:
        public_keys([entry], lambda name: Path(tmp_path) / name, "gate.yaml:7")
    assert "MC4CAQAw" not in str(raised.value)
