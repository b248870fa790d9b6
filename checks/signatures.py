"""Did somebody whom the team trusts make these files?"""

import pytest

from gate import check


@check(category="security")
def check_model_signature(model_signature, measure):
    """All of the version's files are signed by a key that the team trusts.

    The signature lies among the files (`model.sig`) and is one of OpenSSF model signing with an elliptic-curve key:
    `model_signing sign key`. Files that it leaves out count as unsigned, `.gitignore` and its like and what the
    signature itself says is to be ignored too. What is not signed as it must be is not loaded.
    Source: github.com/sigstore/model-transparency.

    Limit: no file without a valid signature. Skipped where `security.model_keys` in gate.yaml names no key, and where
    there is no signature and `security.require_model_signature` is not set.
    A failure means that the files are not those that somebody with the key signed, or that nobody signed them.
    To change it: sign the files before they are registered, or name the key under `security.model_keys`.
    """
    if model_signature.state == "unchecked":
        pytest.skip(model_signature.why)
    if model_signature.state == "missing" and not model_signature.required:
        pytest.skip(f"{model_signature.why}, and security.require_model_signature is not set")
    measure("signed_files", model_signature.files, unit="files")
    if model_signature.fingerprint is not None:
        measure("key", model_signature.fingerprint)
    assert model_signature.state == "valid", model_signature.why
