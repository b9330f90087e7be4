"""Records: what comes back is what was written, and nothing else is accepted."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
import yaml

from experiments.provenance import plain, record
from neuroscale.evidence import array_digest, load_recorded, recorded_names, write_recorded

ARRAYS = {
    "counts": np.arange(12, dtype=np.int32).reshape(3, 4),
    "loss": np.array([0.5, np.nan]),
    "layers": np.array(["first", "second"]),
    "flag": np.array(True),
}
RECORDS = recorded_names()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    record("small", ARRAYS, seeds=(0, 1), cpu_seconds=1.0, about="A test.", arguments={"k": (1, 2)}, folder=tmp_path)
    return tmp_path


def test_a_record_comes_back(folder: Path) -> None:
    back = load_recorded("small", folder)
    assert set(back.arrays) == set(ARRAYS)
    for name, array in ARRAYS.items():
        assert back[name].dtype == array.dtype
        np.testing.assert_array_equal(back[name], array)
    assert back.provenance["seeds"] == [0, 1]
    assert back.provenance["arguments"] == {"k": [1, 2]}
    assert back.summary().startswith("experiments/small.py, 2 seeds, 1 s of CPU on ")
    assert recorded_names(folder) == ("small",)
    assert not list(folder.glob(".*")), "temporary files left behind"


def test_arrays_are_read_only(folder: Path) -> None:
    with pytest.raises(ValueError, match="read-only"):
        load_recorded("small", folder)["counts"][0, 0] = 1


def test_an_unknown_array_is_named(folder: Path) -> None:
    with pytest.raises(KeyError, match="it holds counts"):
        load_recorded("small", folder)["count"]


@pytest.mark.parametrize("name", ["other", "../small", "small.", "Small", ""])
def test_a_missing_record_says_how_to_make_it(folder: Path, name: str) -> None:
    with pytest.raises(FileNotFoundError, match="make evidence-full"):
        load_recorded(name, folder)


@pytest.mark.parametrize("suffix", [".npz", ".yml"])
def test_half_a_record_is_missing(folder: Path, suffix: str) -> None:
    (folder / f"small{suffix}").unlink()
    with pytest.raises(FileNotFoundError, match=re.escape(f"small{suffix}")):
        load_recorded("small", folder)


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9, 0.999])
def test_a_truncated_archive_is_refused(folder: Path, share: float) -> None:
    path = folder / "small.npz"
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(ValueError, match=r"small\.npz"):
        load_recorded("small", folder)


def test_every_flipped_byte_is_noticed_or_harmless(folder: Path) -> None:
    # a byte of the zip's own bookkeeping (a date, say) may change without changing an array
    path = folder / "small.npz"
    content, noticed = path.read_bytes(), 0
    for place in range(0, len(content), 7):
        path.write_bytes(content[:place] + bytes([content[place] ^ 0x55]) + content[place + 1 :])
        try:
            back = load_recorded("small", folder)
        except ValueError:
            noticed += 1
        else:
            assert array_digest(back.arrays) == array_digest(ARRAYS)
    assert noticed > 20


def test_pickles_are_not_opened(folder: Path) -> None:
    np.savez(folder / "small.npz", counts=np.array([{}], dtype=object))
    with pytest.raises(ValueError, match=r"cannot be read"):
        load_recorded("small", folder)


@pytest.mark.parametrize(
    ("name", "array"),
    [
        ("counts", ARRAYS["counts"] + np.int32(1)),
        ("counts", ARRAYS["counts"].T),
        ("counts", ARRAYS["counts"].astype(np.int64)),
        ("layers", np.array(["first", "third"])),
    ],
)
def test_other_arrays_are_refused(folder: Path, name: str, array: np.ndarray) -> None:
    np.savez_compressed(folder / "small.npz", **{**ARRAYS, name: array})
    with pytest.raises(ValueError, match="SHA-256 differs"):
        load_recorded("small", folder)


def test_the_hash_does_not_depend_on_layout() -> None:
    array = np.arange(6.0).reshape(2, 3)
    same = {
        "fortran": np.asfortranarray(array),
        "big": array.astype(">f8"),
        "strided": np.repeat(array, 2, axis=1)[:, ::2],
    }
    for version in same.values():
        assert array_digest({"x": version}) == array_digest({"x": array})


@pytest.mark.parametrize(
    ("text", "match"),
    [("[1, 2]", "must be a mapping"), ("name: small", "lacks about"), ("{", "not a YAML file")],
)
def test_foreign_provenance_is_refused(folder: Path, text: str, match: str) -> None:
    (folder / "small.yml").write_text(text, encoding="utf8")
    with pytest.raises(ValueError, match=match):
        load_recorded("small", folder)


def test_unfit_records_are_not_written(tmp_path: Path) -> None:
    def write(name="small", arrays=ARRAYS):
        record(name, arrays, seeds=(0,), cpu_seconds=1.0, about="A test.", folder=tmp_path)

    with pytest.raises(ValueError, match="name='Small'"):
        write(name="Small")
    with pytest.raises(ValueError, match="arrays is empty"):
        write(arrays={})
    with pytest.raises(ValueError, match="has type object"):
        write(arrays={"x": np.array([None])})
    with pytest.raises(ValueError, match="reserves"):
        write(arrays={"file": np.zeros(1)})
    with pytest.raises(ValueError, match="provenance lacks about"):
        write_recorded("small", ARRAYS, {}, tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_failed_write_keeps_the_old_record(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full_disk(stream, **arrays):
        stream.write(b"half")
        raise OSError("no space left")

    monkeypatch.setattr(np, "savez_compressed", full_disk)
    with pytest.raises(OSError, match="no space"):
        record("small", {"x": np.zeros(2)}, seeds=(3,), cpu_seconds=1.0, about="New.", folder=folder)
    assert load_recorded("small", folder).provenance["seeds"] == [0, 1]
    assert sorted(path.name for path in folder.iterdir()) == ["small.npz", "small.yml"]


def test_settings_become_plain_yaml() -> None:
    value = plain({"a": (np.int64(1), [np.float64(0.5)]), 2: "x"})
    assert value == {"a": [1, [0.5]], "2": "x"}
    assert yaml.safe_load(yaml.safe_dump(value)) == value


@pytest.mark.parametrize("name", RECORDS)
def test_every_record_of_the_package_is_whole(name: str) -> None:
    made = load_recorded(name)
    assert made.provenance["name"] == name
    root = Path(__file__).resolve().parents[2]
    assert (root / made.provenance["script"]).is_file()
    # of a commit that exists as it was, not of a tree with changes
    assert re.fullmatch(r"[0-9a-f]{40}", made.provenance["commit"])
    text = (root / "neuroscale/evidence/recorded" / f"{name}.yml").read_text(encoding="utf8")
    assert not re.search(r"/(home|root|work|tmp|Users|private|var)\b", text), "a path of the machine"


def test_the_records_are_small() -> None:
    root = Path(__file__).resolve().parents[2] / "neuroscale/evidence/recorded"
    assert sum(path.stat().st_size for path in root.iterdir()) < 2_000_000
