"""Write every chapter with code as a notebook without outputs: ``python tools/notebooks.py _build/notebooks``.

The first cell installs the package where it is missing.
"""

from __future__ import annotations

import sys
from pathlib import Path

import jupytext

sys.path.insert(0, str(Path(__file__).parent.parent / "_ext"))
import install_cell


def main(target: str) -> None:
    root = Path("chapters")
    written = 0
    for path in sorted(root.rglob("*.md")):
        notebook = jupytext.read(path)
        if not any(cell.cell_type == "code" for cell in notebook.cells):
            continue
        install_cell.prepend(notebook)
        output = (Path(target) / path.relative_to(root)).with_suffix(".ipynb")
        output.parent.mkdir(parents=True, exist_ok=True)
        jupytext.write(notebook, output)
        written += 1
    print(f"{written} notebooks in {target}")


if __name__ == "__main__":
    main(sys.argv[1])
