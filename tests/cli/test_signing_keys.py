"""The keys that sign and verify verdicts, as a user makes and names them: through the command line."""

from __future__ import annotations

from gate.attesting.keys import key_files, make_pair
from tests.cli.conftest import STRICT, configured, untouched


def test_settings_that_cannot_work(project, world, judged, tmp_path):
    """Exit 2 with file and line, before anything is asked."""
    private = judged.folder / "keys/gate-signing-key.pem"
    (tmp_path / "none.pem").write_text("no key")
    for keys, words in (("", "names no key"), (tmp_path / "none.pem", "no public key"), (private, "a private key")):
        configured(project, world, STRICT % keys)
        for command in (("promote", "house", "2"), ("release", "house", "2")):
            ended = project.gate(*command)
            assert ended.code == 2, ended.err
            assert "gate.yaml:4" in ended.err
            assert words in ended.err
    assert untouched(project)


def test_a_bad_signing_key(lenient):
    """Exit 2 before anything is judged, and nothing of the key is shown."""
    body = make_pair()[0].decode().splitlines()[1]
    for key in (body, f"-----BEGIN PRIVATE KEY-----\n{body[:-8]}\n-----END PRIVATE KEY-----", "nowhere.pem"):
        for command in ("check", "release"):
            ended = lenient.gate(command, "house", "2", GATE_SIGNING_KEY=key)
            assert ended.code == 2, ended.err
            assert "gate keygen" in ended.err
            assert body[:20] not in ended.err + ended.out


def test_a_key_that_others_may_read(lenient):
    """Used, with a warning."""
    private, _, _ = key_files(lenient.folder)
    private.chmod(0o644)
    ended = lenient.gate("check", "house", "2", "--only", "contract", GATE_SIGNING_KEY=private.name)
    assert ended.code == 0, ended.err
    assert "chmod 600" in ended.err


def test_keygen(project):
    """A pair of files, told with their fingerprint; a second time nothing is overwritten."""
    made = project.gate("keygen", "--out", "keys")
    assert made.code == 0
    private = project.folder / "keys/gate-signing-key.pem"
    before = private.read_bytes()
    assert private.stat().st_mode & 0o777 == 0o600
    assert before.splitlines()[1].decode() not in made.out
    assert "Fingerprint: sha256:" in made.out
    again = project.gate("keygen", "--out", "keys")
    assert again.code == 2
    assert private.read_bytes() == before
    (project.folder / "file").touch()
    assert project.gate("keygen", "--out", "file/below").code == 2


def test_doctor_looks_at_the_keys(strict, judged):
    """Which key signs, whose verdicts are taken; and what is wrong with either."""
    private = str(judged.folder / "keys/gate-signing-key.pem")
    well = strict.gate("doctor", GATE_SIGNING_KEY=private)
    assert well.code == 0, well.out
    assert "verdicts are signed by the key sha256:" in well.out
    assert "house: verdicts must be signed; keys that are trusted: 1" in well.out
    wrong = strict.gate("doctor", GATE_SIGNING_KEY="nowhere.pem")
    assert wrong.code == 2
    assert "gate keygen" in wrong.out
