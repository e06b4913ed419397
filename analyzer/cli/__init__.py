"""The command line: parse, call, print. One file per command, found by listing this folder.

Nothing heavy is imported here: `--help` pays for click alone.  Data go to stdout, everything else to stderr.
Exit codes: 0 done; 1 an error the user can act on; 2 usage; 3 no row that was asked for could be estimated.
"""

from __future__ import annotations

import os
import sys
from importlib import import_module

import click

from analyzer.errors import AnalyzerError
from analyzer.version import __version__

_FOLDER = os.path.dirname(__file__)  # noqa: PTH120 - pathlib alone costs a tenth of `--help`
_ORDER = (
    "load",
    "fetch",
    "inspect",
    "estimate",
    "scan",
    "brief",
    "blocks",
    "plan",
    "curve",
    "query",
    "sources",
    "simulate",
)


def command_names() -> list[str]:
    """Commands in the order a new user meets them; a file that is not in the order comes after, by name."""
    files = (f[:-3] for f in os.listdir(_FOLDER) if f.endswith(".py") and not f.startswith("_"))  # noqa: PTH208
    return sorted(files, key=lambda n: (_ORDER.index(n) if n in _ORDER else len(_ORDER), n))


def summary(name: str) -> str:
    """What a command does: the first line of its file."""
    with open(os.path.join(_FOLDER, f"{name}.py"), encoding="utf-8") as file:  # noqa: PTH118, PTH123
        return file.readline().strip().strip('"')


class _Commands(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return command_names()

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in command_names():
            return None
        command: click.Command = import_module(f"analyzer.cli.{cmd_name}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        # The first line of each file says what it does: importing them all would double what `--help` costs.
        with formatter.section("Commands"):
            formatter.write_dl([(name, summary(name)) for name in command_names()])


@click.group(
    cls=_Commands,
    epilog="Example: vpn-uptake load userstats-bridge-country.csv && vpn-uptake estimate --cc SD --date 2018-12-21",
)
@click.version_option(__version__, prog_name="vpn-uptake")
def vpn_uptake() -> None:
    """Estimate VPN and circumvention uptake around internet blocks, with intervals, checks and provenance."""


def main() -> None:
    """Run the command line; an error a user can act on becomes one line on stderr and exit code 1."""
    try:
        vpn_uptake(prog_name="vpn-uptake", standalone_mode=True)
    except AnalyzerError as error:
        click.echo(f"Error: {error}", err=True)
        sys.exit(1)
    except BrokenPipeError:
        # `vpn-uptake estimate | head`: the reader has seen enough. Keep Python from flushing into the closed pipe.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
