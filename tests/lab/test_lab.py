"""Chapters open as notebooks in JupyterLab.  `make test-lab` runs this; it starts `make lab`."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import time
from urllib.error import URLError
from urllib.request import Request, urlopen

import pytest
from book_source import ROOT

TOKEN = "of-this-test"
PATIENCE = 120  # seconds until the server answers
CHAPTER = "activation/dynamics.md"  # the folder of the chapters is the root


@pytest.fixture(scope="module")
def ask():
    """A function that asks the server of `make lab` and reads its answer."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings = {**os.environ, "JUPYTER_PORT": str(port), "JUPYTER_TOKEN": TOKEN}
    command = ["make", "lab", "LAB=--no-browser --allow-root --ServerApp.port_retries=0"]
    server = subprocess.Popen(
        command, cwd=ROOT, env=settings, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True
    )

    def ask(path, /, **body):
        data = json.dumps(body).encode() if body else None
        request = Request(f"http://127.0.0.1:{port}/{path}", data, {"Authorization": f"token {TOKEN}"})
        with urlopen(request, timeout=60) as answer:
            return json.load(answer)

    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            ask("api/status")
            break
        except URLError:
            if server.poll() is not None or time.monotonic() > deadline:
                os.killpg(server.pid, signal.SIGKILL)
                raise AssertionError(server.stdout.read().decode()[-4000:]) from None
            time.sleep(0.5)
    yield ask
    os.killpg(server.pid, signal.SIGTERM)
    server.wait(timeout=60)


def test_a_chapter_is_a_notebook(ask):
    notebook = ask(f"api/contents/{CHAPTER}?type=notebook&content=1")
    cells = notebook["content"]["cells"]
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    assert notebook["type"] == "notebook"
    assert len(code) > 5
    assert any("from neuroscale" in cell["source"] for cell in code)
    assert notebook["content"]["metadata"]["kernelspec"]["name"] == "python3"


def test_a_double_click_opens_it_as_one(ask):
    settings = ask("lab/api/settings/@jupyterlab/docmanager-extension:plugin")
    viewers = settings["schema"]["properties"]["defaultViewers"]["default"]
    assert viewers["markdown"] == "Jupytext Notebook"


def test_its_kernel_starts(ask):
    session = ask("api/sessions", path=CHAPTER, name="dynamics", type="notebook", kernel={"name": "python3"})
    assert session["kernel"]["execution_state"] in ("starting", "idle", "busy")
