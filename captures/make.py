"""Write this project's own captures: `python captures/make.py [FOLDER [NAME...]]`.

Every file is made from the specification its row in README.md names, with fixed times, addresses and "random" bytes, so
that a second run writes the same bytes.  Beside each capture stands its golden flow log: what must be found in it.
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

from _plan import CAPTURES, Capture, readme_table  # noqa: E402 - the folder has to be on the path first

for subject in sorted(HERE.glob("_on_*.py")):
    importlib.import_module(subject.stem)


def write(capture: Capture, folder: Path) -> list[str]:
    """Write one capture and what belongs to it; the names of the files."""
    files = capture.files()
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return list(files)


def update_readme(folder: Path) -> None:
    """Put the table of files into README.md, behind its last heading."""
    path = folder / "README.md"
    head = path.read_text(encoding="utf-8").split("\n## Files\n")[0]
    path.write_text(f"{head}\n## Files\n\n{readme_table()}", encoding="utf-8")


def main(arguments: list[str]) -> None:
    """All captures into `captures/`, or those named into the folder given."""
    folder = Path(arguments[0]).resolve() if arguments else HERE
    folder.mkdir(parents=True, exist_ok=True)
    chosen = arguments[1:] or list(CAPTURES)
    for name in chosen:
        write(CAPTURES[name], folder)
    if folder == HERE:
        update_readme(folder)


if __name__ == "__main__":
    main(sys.argv[1:])
