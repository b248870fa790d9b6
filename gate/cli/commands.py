"""The commands and what each does, a line each."""

COMMANDS = {
    "check": "Judge a version against its baseline; changes nothing in the registry, unless --record.",
    "release": "Check, record, promote and write the release note: what CI runs.",
    "promote": "Move a version that has a valid verdict to a stage.",
    "rollback": "Give a stage back to who held it before.",
    "note": "Write the release note from the stored report alone.",
    "history": "Show who held which stage when, with versions, verdicts and key metrics.",
    "golden": "Keep cases whose answers must never flip; list them.",
    "explain": "Say what a check tests, why, its limits, and how to change them.",
    "doctor": "Say what is missing or misconfigured here, with the fix, a line each.",
    "init": "Write gate.yaml, a workflow and an example check into this repository.",
    "demo": "Train, register, check, promote and write the notes of a small real model.",
    "keygen": "Make a key pair that signs verdicts.",
    "schema": "Print the JSON Schema of the report or of gate.yaml.",
}
