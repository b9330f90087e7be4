"""What the names of the caches depend on."""

import fresh_execution
import pytest
from projects import build, write

FILES = {
    "neuroscale/core.py": "x = 1\n",
    "neuroscale/ledger/claims.yml": "claims: []\n",
    "requirements.lock": "numpy==2\n",
}


@pytest.mark.parametrize("changed", FILES)
def test_digest_changes_with(changed, tmp_path):
    write(tmp_path, FILES)
    before = fresh_execution.digest(tmp_path)
    assert fresh_execution.digest(tmp_path) == before
    write(tmp_path, {changed: FILES[changed] + "# edited\n"})
    assert fresh_execution.digest(tmp_path) != before


def test_digest_changes_with_a_new_name_and_with_the_size_of_the_simulations(tmp_path, monkeypatch):
    monkeypatch.delenv("NEUROSCALE_FULL", raising=False)
    write(tmp_path, FILES)
    before = fresh_execution.digest(tmp_path)
    monkeypatch.setenv("NEUROSCALE_FULL", "1")
    assert fresh_execution.digest(tmp_path) != before
    monkeypatch.setenv("NEUROSCALE_FULL", "0")
    assert fresh_execution.digest(tmp_path) == before
    (tmp_path / "neuroscale/core.py").rename(tmp_path / "neuroscale/moved.py")
    assert fresh_execution.digest(tmp_path) != before


def test_digest_ignores_what_python_and_numba_write(tmp_path):
    write(tmp_path, FILES)
    before = fresh_execution.digest(tmp_path)
    write(tmp_path, {"neuroscale/__pycache__/core.pyc": "", "neuroscale/__pycache__/core.nbi": ""})
    assert fresh_execution.digest(tmp_path) == before


def test_second_build_repeats_the_warnings_of_the_first(tmp_path, environment):
    write(tmp_path, {**FILES, "index.md": "# Page\n\n{ref}`nowhere`\n"})
    first = build(tmp_path, ["fresh_execution"], nb_execution_mode="off")[1]
    assert "nowhere" in first
    assert build(tmp_path, ["fresh_execution"], nb_execution_mode="off")[1] == first
