"""Of the theme's icons a build keeps those that its pages show."""

from importlib.resources import files

import pytest
from projects import build, write
from sphinx.errors import ExtensionError
from used_icons import SCRIPT, keep_icons

WHOLE = (files("pydata_sphinx_theme") / "theme/pydata_sphinx_theme/static/scripts/fontawesome.js").read_text("utf8")
PAGE = """\
# Page

```{raw} html
<i class="fa-solid fa-bars"></i> <i class="fa-solid fa-search"></i>
```
"""


def test_icons_are_kept_by_name_and_by_alias():
    kept = keep_icons(WHOLE, {"github", "search"})
    assert len(kept) < len(WHOLE) / 10
    assert "github:[" in kept
    assert '"magnifying-glass":[' in kept  # "search" is its alias
    assert "moon:[" in WHOLE
    assert "moon:[" not in kept


def test_another_script_is_refused():
    with pytest.raises(ExtensionError, match="0 icons of the expected form; at least 1000"):
        keep_icons("var icons = {};", {"github"})


def test_builds_one_after_another(tmp_path):
    """Sphinx warns where a file that it copies would replace another, so that the second build is the test."""
    write(tmp_path, {"index.md": PAGE})
    for _ in range(2):
        assert build(tmp_path, ["used_icons"], html_theme="pydata_sphinx_theme")[1] == ""
        script = (tmp_path / "_build/html" / SCRIPT).read_text(encoding="utf8")
        assert "bars:[" in script
        assert '"magnifying-glass":[' in script
        assert "skull:[" not in script
        (tmp_path / "index.md").write_text(PAGE + "\nMore.\n", encoding="utf8")
