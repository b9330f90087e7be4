"""What the builder and the installer say when something fails."""

import importlib.util
import os
import subprocess
import sys

import pytest
from book_source import ROOT


def tool(name):
    spec = importlib.util.spec_from_file_location(name, ROOT / "tools" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


CELL = "chapters/activation/dynamics.md:98: cell 3: ValueError: no"
WARNING = "chapters/notation.md:7: WARNING: undefined label: 'nowhere' [ref.ref]"


@pytest.mark.parametrize(
    ("output", "said"),
    [
        (["reading", CELL, "Traceback (most recent call last):", CELL, "RuntimeError: box"], [CELL]),
        (["reading", WARNING, "build finished with problems, 1 warning."], [WARNING]),
        (["Traceback (most recent call last):", "ImportError: no module", ""], ["ImportError: no module"]),
    ],
    ids=["failing cell", "warning", "anything else"],
)
def test_the_reason_comes_last(output, said):
    assert tool("book").verdict(output) == said


def test_no_network_is_one_line(tmp_path):
    python = tmp_path / "env/bin/python"  # an environment that is there already: creating one takes seconds
    python.parent.mkdir(parents=True)
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    python.chmod(0o755)
    (tmp_path / "some.lock").write_text(f"wheel==0.1 --hash=sha256:{'0' * 64}\n")
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("PIP_", "UV_"))}
    environment |= {
        "PIP_INDEX_URL": "http://127.0.0.1:9/simple",
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_RETRIES": "0",
    }
    done = subprocess.run(
        [sys.executable, str(ROOT / "tools/environment.py"), "env", "some.lock"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        "error: pip cannot reach the package index; check the network, then run again (details: _build/install.log)"
    ]
