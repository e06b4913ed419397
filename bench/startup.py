"""What `--help` costs beside a bare interpreter: CPU of child processes, user and system, medians of interleaved runs.

    python bench/startup.py [--runs 21]

At most six times is asked for; click alone is about four.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import subprocess
import sys

COMMANDS = {"interpreter": ("-c", "pass"), "click": ("-c", "import click"), "help": ("-m", "analyzer", "--help")}


def cpu(*arguments: str) -> float:
    """CPU seconds of one Python child process."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, *arguments], check=True, capture_output=True)  # noqa: S603 - our own commands
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    """Print the medians and their ratios to the interpreter's."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=21)
    runs = parser.parse_args().runs
    seen: dict[str, list[float]] = {name: [] for name in COMMANDS}
    for _ in range(runs):
        for name, arguments in COMMANDS.items():
            seen[name].append(cpu(*arguments))
    middle = {name: statistics.median(values) for name, values in seen.items()}
    for name, value in middle.items():
        print(f"{name:12} {1000 * value:7.1f} ms  x{value / middle['interpreter']:.2f}")


if __name__ == "__main__":
    main()
