"""The verdict as evidence: an in-toto Statement about a report, signed with ed25519 where a key is given.

Knows keys, envelopes, statements and the signatures of models; knows no registry and no settings.
"""

from gate.attesting.evidence import ENVELOPE, REPORT, STATEMENT, Evidence, beside, statements
from gate.attesting.keys import PublicKey, SigningKey, key_files, public_keys, signing_key
from gate.attesting.verifying import Trust, Verified, verify

__all__ = [
    "ENVELOPE",
    "REPORT",
    "STATEMENT",
    "Evidence",
    "PublicKey",
    "SigningKey",
    "Trust",
    "Verified",
    "beside",
    "key_files",
    "public_keys",
    "signing_key",
    "statements",
    "verify",
]
