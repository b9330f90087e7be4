"""Create the project's environment from a lock file: ``python tools/environment.py .venv requirements.lock``.

Runs on the system's Python with nothing but the standard library; every failure ends in one line.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from pathlib import Path

LOG = Path("_build/install.log")
OFFLINE = re.compile(
    r"connection broken|NewConnectionError|Failed to establish|name resolution|getaddrinfo|Max retries"
    r"|from versions: none|ConnectTimeout|ReadTimeout|ProxyError|Network is unreachable",
    re.IGNORECASE,
)


def fail(message: str) -> None:
    sys.exit(f"error: {message}")


def run(command: list[str], purpose: str) -> None:
    """Run one step; its output goes to the log and a failure to one line."""
    with LOG.open("a", encoding="utf8") as log:
        log.write(f"$ {' '.join(command)}\n")
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    with LOG.open("a", encoding="utf8") as log:
        log.write(done.stdout)
    if done.returncode == 0:
        return
    if OFFLINE.search(done.stdout):
        fail(f"pip cannot reach the package index; check the network, then run again (details: {LOG})")
    reasons = [line for line in done.stdout.splitlines() if line.strip()]
    errors = [line for line in reasons if re.match(r"\s*(ERROR|error)\b", line)]
    reason = (errors or reasons or ["no output"])[-1 if not errors else 0].strip()
    fail(f"{purpose} failed: {reason} (details: {LOG})")


def create(folder: Path) -> Path:
    """Create the environment unless it is there; return its Python."""
    python = folder / "bin" / "python"
    if not python.exists():
        run([sys.executable, "-m", "venv", str(folder)], f"creating {folder}")
    return python


def main(folder: str, lock: str) -> None:
    os.environ["PIP_DISABLE_PIP_VERSION_CHECK"] = "1"
    os.environ.setdefault("PIP_RETRIES", "2")
    LOG.parent.mkdir(exist_ok=True)
    LOG.unlink(missing_ok=True)
    count = len(re.findall(r"^[\w.-]+==", Path(lock).read_text(encoding="utf8"), re.MULTILINE))
    print(f"installing {lock} ({count} packages) into {folder}; the first time takes minutes", flush=True)
    started = time.monotonic()
    python = str(create(Path(folder)))
    pip = [python, "-m", "pip", "install", "--no-input"]
    run([*pip, "--require-hashes", "-r", lock], f"installing {lock}")
    run([*pip, "--no-deps", "--no-build-isolation", "-e", "."], "installing neuroscale")
    print(f"installed in {time.monotonic() - started:.0f} s", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
