"""The command line: the only place that prints or exits. A command's module is imported when it is asked for."""

from __future__ import annotations

import os
import sys

import click

from gate.cli.commands import COMMANDS
from gate.errors import GateError

FAULT = 3
INTERRUPTED = 130


class LazyGroup(click.Group):
    """Knows its commands by name and one line, and imports one when it is called: `gate --help` stays fast."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Name the commands, in the order in which a user meets them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        """Import one command."""
        if cmd_name not in COMMANDS:
            return None
        from importlib import import_module

        command = import_module(f"gate.cli.{cmd_name}_command").command
        assert isinstance(command, click.Command)  # noqa: S101 - every command module has one
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Answer an unknown name with the nearest ones."""
        name = args[0]
        if name not in COMMANDS and not name.startswith("-"):
            from gate.config_file import closest

            ctx.fail(f"There is no command {name!r}. {closest(name, list(COMMANDS))}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's signature
        """List the commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="model-release-gate", prog_name="gate")
def cli() -> None:
    """A quality gate for machine-learning model releases on MLflow.

    Judges a registered model version against its baseline, promotes it, and writes the release note.
    Exit codes: 0 pass, 1 fail or refused, 2 usage or configuration error, 3 no verdict, 4 inconclusive.
    """


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and exit with the contract's code: a gate fault never ends in 0 or 1."""
    arguments = sys.argv[1:] if arguments is None else arguments
    try:
        code = cli.main(arguments, prog_name="gate", standalone_mode=False)
        sys.stdout.flush()
    except click.ClickException as error:
        error.show()
        code = error.exit_code if error.exit_code > 1 else FAULT
    except (KeyboardInterrupt, click.Abort):
        _say("Interrupted: nothing more was done.")
        code = INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 0
    except GateError as error:
        code = _told(error, str(error), error.exit_code, arguments)
    except Exception as error:  # noqa: BLE001 - a traceback never reaches a user
        text = f"The gate itself failed: {type(error).__name__}: {' '.join(str(error).split())[:300]}"
        code = _told(error, f"{text}. Run it again with --debug and report what it shows.", FAULT, arguments)
    sys.exit(code if isinstance(code, int) else 0)


def _told(error: Exception, text: str, code: int, arguments: list[str]) -> int:
    if "--debug" in arguments:
        import traceback

        traceback.print_exception(error)
    _say(text)
    return code


def _say(text: str) -> None:
    """Say a sentence that may quote what others wrote: two colons would start a command in a CI's log."""
    click.echo(f"gate: {text.replace('::', ': :')}", err=True)
