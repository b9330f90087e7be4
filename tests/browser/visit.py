"""One visit of a page: opened from disk without a network, in light and dark, wide and narrow."""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from urllib.parse import unquote, urlsplit

import numpy as np
from built import SHOTS, SITE
from ink import luminance
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Page

DESKTOP = {"width": 1280, "height": 900}
NARROW = {"width": 390, "height": 844}
#: A JPEG has at most 65,535 rows; the API reference is longer.
TALLEST = 60_000
AXE = (files("axe_playwright_python") / "axe.min.js").read_text(encoding="utf8")
#: Levels A and AA of WCAG 2.0 to 2.2, and the landmarks and headings of axe-core's best practices.
WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
TYPESET = "window.MathJax && MathJax.startup ? MathJax.startup.promise.then(() => true) : true"

#: Backslashed words outside code: TeX that MathJax has not set, in the page and in its title.
RAW_TEX = r"""() => {
  const found = [], raw = /\$\$|\\[a-zA-Z]+|\\[()\[\]]/g;
  const skip = "code, pre, script, style, noscript, mjx-container, textarea, .highlight, kbd, samp, bibtex";
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walk.nextNode(); node; node = walk.nextNode()) {
    if (node.parentElement.closest(skip)) continue;
    for (const hit of node.data.match(raw) ?? []) found.push(hit + " in " + node.data.trim().slice(0, 80));
  }
  for (const hit of document.title.match(raw) ?? []) found.push(hit + " in the title");
  for (const node of document.querySelectorAll("mjx-merror")) found.push("MathJax: " + node.textContent);
  return found;
}"""

#: Icons that Font Awesome has not replaced by a drawing, or by its mark for those that it does not know.
MISSING_ICONS = """[...document.querySelectorAll("i[class*='fa-'], .svg-inline--fa:has(.missing)")].map(icon =>
  icon.getAttribute("class"))"""

#: Elements that stick out of the window without a box of their own that scrolls, and the page's own width.
TOO_WIDE = """() => {
  const found = [], width = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth > width) found.push("the page: " + document.documentElement.scrollWidth);
  const scrolls = element => {
    for (let box = element.parentElement; box && box.tagName !== "ARTICLE"; box = box.parentElement)
      if (/auto|scroll/.test(getComputedStyle(box).overflowX)) return true;
    return false;
  };
  for (const element of document.querySelectorAll("main article *")) {
    if (element.closest("mjx-container *, svg *, mjx-assistive-mml")) continue;
    const box = element.getBoundingClientRect();
    const spills = element.tagName === "MJX-CONTAINER" && getComputedStyle(element).overflowX === "visible" &&
      element.firstElementChild.getBoundingClientRect().right > box.right + 2;
    if (spills || (box.width > 1 && box.right > width + 1 && !scrolls(element)))
      found.push(element.tagName + "." + element.className + " to " + Math.round(box.right) + ": " +
                 element.textContent.trim().slice(0, 60));
  }
  return found.slice(0, 10);
}"""

#: One element, twice at most, for each way in which text looks: its colours, its ground and its size.  Contrast is a
#: matter of these; looking at all words of a page takes axe-core minutes.
LOOKS = r"""() => {
  const counts = new Map(), chosen = [];
  const ground = element => {
    for (let box = element; box; box = box.parentElement) {
      const style = getComputedStyle(box);
      if (style.backgroundImage !== "none") return style.backgroundImage;
      if (!/rgba\(.*, 0\)|transparent/.test(style.backgroundColor)) return style.backgroundColor;
    }
    return "";
  };
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walk.nextNode(); node; node = walk.nextNode()) {
    const element = node.parentElement;
    if (!node.data.trim() || !element.getClientRects().length) continue;
    if (element.closest("script, style, svg")) continue;
    const style = getComputedStyle(element);
    const look = [style.color, ground(element), style.fontSize, style.fontWeight, style.opacity,
                  element.tagName, element.closest("a") !== null].join();
    const count = counts.get(look) ?? 0;
    counts.set(look, count + 1);
    if (count < 2) chosen.push(element);
  }
  return chosen;
}"""

#: The figures of the page: their boxes in the page's coordinates.
FIGURES = """() => [...document.querySelectorAll("main img[src*='_images'], main .slider-figure svg")].map(image => {
  const box = image.getBoundingClientRect();
  return {name: image.id || image.getAttribute("src") || image.parentElement.id, x: box.x + scrollX, y: box.y + scrollY,
          width: box.width, height: box.height};
}).filter(box => box.width > 0)"""

#: Everything that a reader without JavaScript should see and does not; folded boxes are closed on purpose.
UNSEEN = """() => [...document.querySelectorAll("main article :is(h1, h2, h3, p, li, img, td, pre)")].filter(element =>
  !element.closest("details:not([open]), .pst-js-only, .onlyprint, .sd-d-none, .slider-controls, .toggler") &&
  (element.textContent.trim() || element.tagName === "IMG") &&
  !element.getClientRects().length).map(element => element.tagName + ": " + element.textContent.trim().slice(0, 60))"""


@dataclass
class Visit:
    """What one page showed."""

    name: str
    shots: Path = SHOTS
    requests: list[str] = field(default_factory=list)  # that left the disk
    loaded: set[Path] = field(default_factory=set)  # files of the book, the page itself among them
    complaints: list[str] = field(default_factory=list)  # of the console, and files that were not found
    raw_tex: list[str] = field(default_factory=list)
    missing_icons: list[str] = field(default_factory=list)
    too_wide: list[str] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)  # of axe-core
    themes: list[str] = field(default_factory=list)  # as the button set them
    figures: dict[str, dict[str, float]] = field(default_factory=dict)  # contrast of a figure in each theme
    unseen: list[str] = field(default_factory=list)  # without JavaScript


def watch(page: Page, seen: Visit) -> None:
    """Record what a page says and asks for."""

    def note_request(request):
        if request.url.startswith("file:"):
            seen.loaded.add(Path(unquote(urlsplit(request.url).path)))
        elif not request.url.startswith(("data:", "blob:", "about:")):
            seen.requests.append(request.url)

    def note_message(message):
        if message.type in ("error", "warning"):
            seen.complaints.append(f"{message.type}: {message.text}")

    page.on("request", note_request)
    page.on("requestfailed", lambda request: seen.complaints.append(f"not found: {request.url}"))
    page.on("console", note_message)
    page.on("pageerror", lambda error: seen.complaints.append(f"exception: {error}"))


def open_page(context: BrowserContext, name: str, site: Path = SITE) -> Page:
    page = context.new_page()
    page.set_default_timeout(300_000)
    page.goto((site / name).as_uri())
    page.evaluate(TYPESET)
    return page


def set_theme(page: Page, theme: str) -> str:
    """Press the page's own button until the theme is in force; return what is."""
    for _ in range(3):
        if page.evaluate("document.documentElement.dataset.mode") == theme:
            break
        page.evaluate("document.querySelector('.theme-switch-button').click()")
    return page.evaluate("document.documentElement.dataset.theme")


def axe(page: Page, label: str, rules: list[str] | None = None) -> list[str]:
    """Violations, one line for each element; ``rules`` limits the run to some."""
    page.evaluate(AXE)
    chosen = {"type": "rule", "values": rules} if rules else {"type": "tag", "values": WCAG}
    options = {"runOnly": chosen, "resultTypes": ["violations"], "preload": False}
    if not rules:
        options["rules"] = {"color-contrast": {"enabled": False}}  # `contrasts` does it
    return report(label, page.evaluate("options => axe.run(document, options)", options))


def contrasts(page: Page, label: str) -> list[str]:
    """Violations of axe-core's contrast rule among the looks that text has on the page."""
    page.evaluate(AXE)
    options = {"runOnly": {"type": "rule", "values": ["color-contrast"]}, "preload": False}
    run = f"options => axe.run({{include: ({LOOKS})()}}, options)"
    return report(label, page.evaluate(run, {**options, "resultTypes": ["violations"]}))


def report(label: str, result: dict) -> list[str]:
    return [
        f"{label}: {violation['id']}: {node['html'][:120]}: {' '.join(node.get('failureSummary', '').split())[:240]}"
        for violation in result["violations"]
        for node in violation["nodes"]
    ]


def shoot(page: Page, seen: Visit, folder: str) -> Image.Image:
    """Screenshot of the whole page, kept for the reader of the test."""
    target = seen.shots / folder / (seen.name.removesuffix(".html").replace("/", "-") + ".jpg")
    target.parent.mkdir(parents=True, exist_ok=True)
    height = page.evaluate("document.documentElement.scrollHeight")
    whole = {"x": 0, "y": 0, "width": page.viewport_size["width"], "height": min(height, TALLEST)}
    data = page.screenshot(full_page=True, clip=whole, type="jpeg", quality=80, path=target, timeout=300_000)
    return Image.open(io.BytesIO(data)).convert("RGB")


def contrast(crop: Image.Image) -> float:
    """Contrast of a drawing's ink, the strongest 0.2 % of its pixels, with its ground, the most frequent value."""
    light = luminance(np.asarray(crop) / 255.0).ravel()
    counts, edges = np.histogram(light, bins=64, range=(0, 1))
    ground = float(np.median(light[np.digitize(light, edges[1:-1]) == np.argmax(counts)]))
    ratios = np.maximum(light + 0.05, ground + 0.05) / np.minimum(light + 0.05, ground + 0.05)
    return float(np.quantile(ratios, 0.998))


def look(page: Page, seen: Visit, theme: str) -> None:
    """Screenshot in one theme, and the contrast of each figure on it."""
    shot = shoot(page, seen, theme)
    for box in page.evaluate(FIGURES):
        corners = (box["x"], box["y"], box["x"] + box["width"], box["y"] + box["height"])
        crop = shot.crop(tuple(round(value) for value in corners))
        if crop.width and crop.height:
            seen.figures.setdefault(box["name"], {})[theme] = contrast(crop)


def pay(browser: Browser, name: str, site: Path = SITE, shots: Path = SHOTS) -> Visit:
    """Visit a page."""
    seen = Visit(name, shots)
    settings = {"offline": True, "color_scheme": "light", "reduced_motion": "reduce"}

    # without MathJax: axe-core would look at tens of thousands of its nodes, for minutes; `test_typeset_mathematics`
    # does so on a few pages
    context = browser.new_context(viewport=DESKTOP, **settings)
    context.route("**/mathjax/**", lambda route: route.abort())
    page = open_page(context, name, site)
    set_theme(page, "light")
    seen.violations += axe(page, "page") + contrasts(page, "light")
    set_theme(page, "dark")
    seen.violations += contrasts(page, "dark")
    context.close()

    context = browser.new_context(viewport=DESKTOP, **settings)
    page = context.new_page()
    page.set_default_timeout(300_000)
    watch(page, seen)
    page.goto((site / name).as_uri())
    page.evaluate(TYPESET)
    seen.raw_tex = page.evaluate(RAW_TEX)
    seen.missing_icons = page.evaluate(MISSING_ICONS)
    seen.too_wide += [f"desktop: {line}" for line in page.evaluate(TOO_WIDE)]
    for theme in ("light", "dark"):
        seen.themes.append(set_theme(page, theme))
        look(page, seen, theme)
    set_theme(page, "light")
    page.set_viewport_size(NARROW)
    page.wait_for_timeout(300)  # _static/formulas.js measures again
    seen.too_wide += [f"390 px: {line}" for line in page.evaluate(TOO_WIDE)]
    shoot(page, seen, "narrow")
    seen.violations += axe(page, "390 px", ["scrollable-region-focusable", "meta-viewport"])
    context.close()

    context = browser.new_context(viewport=DESKTOP, java_script_enabled=False, **settings)
    page = context.new_page()
    page.goto((site / name).as_uri())
    seen.unseen = page.evaluate(UNSEEN)
    context.close()
    return seen
