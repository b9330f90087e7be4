"""Every link of the built book leads somewhere, and every page says what it is."""

from __future__ import annotations

from urllib.parse import unquote, urlsplit

from built import SITE, local, pages, parsed, redirects

from neuroscale.ledger.cite import SITE as PUBLISHED


def _broken(name):
    """Addresses on a page that lead nowhere."""
    page = parsed(name)
    for address in [*page.links, *page.files]:
        found = local(name, address)
        if found is None:
            continue
        path, fragment = found
        if not path.is_file():
            yield f"{address}: no such file"
        elif fragment and path.suffix == ".html" and path.is_relative_to(SITE):
            target = parsed(path.relative_to(SITE).as_posix())
            if fragment not in target.ids and fragment not in ("", "top"):
                yield f"{address}: no such anchor"


def test_links_and_anchors_resolve(page_name):
    assert not list(_broken(page_name))


def test_redirections_lead_to_pages():
    broken = {name: list(_broken(name)) for name in redirects()}
    assert not {name: found for name, found in broken.items() if found}


def test_permanent_addresses_are_below_the_published_site(page_name):
    """An absolute address of the book itself, as in a citation, is one of its pages."""
    for address in parsed(page_name).links:
        if not address.startswith(PUBLISHED):
            continue
        split = urlsplit(address.removeprefix(PUBLISHED).lstrip("/"))
        path = SITE / unquote(split.path or "index.html")
        assert path.is_file(), address
        assert not split.fragment or split.fragment in parsed(split.path).ids, address


def test_title_description_and_preview(page_name):
    page = parsed(page_name)
    assert page.title.strip()
    assert "\\" not in page.title
    for key in ("description", "og:title", "og:description", "og:url", "og:image", "og:image:alt"):
        told = page.metas.get(key, "")
        assert told.strip(), f"no {key}"
        assert not set("\\$<>") & set(told), f"{key}: {told}"
    assert 20 <= len(page.metas["description"]) <= 300
    assert page.metas["og:url"] == f"{PUBLISHED}/{page_name}"
    assert (SITE / page.metas["og:image"].removeprefix(f"{PUBLISHED}/")).is_file()


def test_landing_page_says_what_it_is():
    page = parsed("index.html")
    assert page.title
    assert page.metas["description"]
    assert page.metas["og:image"]


def test_descriptions_differ():
    told = [parsed(name).metas["description"] for name in pages()]
    assert len(set(told)) == len(told)
