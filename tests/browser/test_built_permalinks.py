"""Every address that readers may have cited answers in the built pages."""

from __future__ import annotations

import shutil
import sys

from built import ROOT, SITE

sys.path.insert(0, str(ROOT / "tools"))
import permalinks


def test_every_published_address_answers():
    addresses = permalinks.published()
    assert len(addresses) > 500
    assert not permalinks.unanswered(addresses, SITE)


def test_an_address_that_is_gone_is_found(tmp_path):
    (tmp_path / "chapters").mkdir()
    shutil.copy(SITE / "chapters/ledger.html", tmp_path / "chapters")
    addresses = ["chapters/ledger#zs-balance", "chapters/ledger#zs-never-there", "chapters/preface"]
    assert permalinks.unanswered(addresses, tmp_path) == addresses[1:]
