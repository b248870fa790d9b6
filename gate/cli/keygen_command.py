"""gate keygen."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.option(
    "--out", type=click.Path(path_type=Path), default=Path(), metavar="DIR", help="Folder of the two files [here]."
)
def command(out: Path) -> None:
    """Make a pair of ed25519 keys: the private one signs verdicts, the public one verifies them.

    The private key is readable by you alone; nothing is overwritten.
    """
    from gate import attesting
    from gate.attesting.keys import VARIABLE

    private, public, key = attesting.key_files(out.absolute())
    click.echo(f"Private key: {private}")
    click.echo(f"Public key:  {public}")
    click.echo(f"Fingerprint: {key.fingerprint}")
    click.echo()
    click.echo(f"The job that judges: {VARIABLE} is the private key's path, or its text from a secret store.")
    click.echo("The job that promotes: commit the public key, and in gate.yaml")
    click.echo(f"  defaults: {{promotion: {{require_signature: true, trusted_keys: [{public.name}]}}}}")
    click.echo("The private key belongs into no repository.")
