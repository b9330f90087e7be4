"""PyTorch is an extra: the package works without it, and the monitor says what is missing."""

from __future__ import annotations

import subprocess
import sys

#: Asks for a monitor as if PyTorch were not installed.
WITHOUT = """
import sys

class Absent:
    def find_spec(self, name, *_):
        if name.partition(".")[0] == "torch":
            raise ModuleNotFoundError(name)

sys.meta_path.insert(0, Absent())
from neuroscale.evidence import Monitor
try:
    Monitor(None)
except ImportError as error:
    print(error)
"""


def printed(program: str) -> str:
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_without_torch_the_monitor_says_how_to_get_it() -> None:
    assert printed(WITHOUT) == "Monitor needs PyTorch: pip install neuroscale[torch]"


def test_importing_the_package_imports_neither_torch_nor_scikit_learn() -> None:
    program = "import sys, neuroscale.evidence; print([name for name in ('torch', 'sklearn') if name in sys.modules])"
    assert printed(program) == "[]"
