/* Filters for the claim ledger; the table is complete without them. */
document.addEventListener("DOMContentLoaded", () => {
  const ledger = document.querySelector(".claim-ledger");
  if (!ledger) return;
  const parts = [...ledger.querySelectorAll(".ledger-source")];
  const rows = parts.flatMap((part) => {
    const source = part.querySelector(".rubric").firstChild.textContent.trim();
    return [...part.querySelectorAll("tr.ledger-row")].map((row) => {
      const verdict = row.querySelector(".verdict").textContent;
      return { row, source, verdict, text: row.textContent.toLowerCase() };
    });
  });
  const bar = document.createElement("form");
  bar.className = "ledger-filter";
  const labelled = (text, control) => {
    const label = document.createElement("label");
    label.append(text, " ", control);
    bar.append(label);
    return control;
  };
  const choice = (text, values) => {
    const select = labelled(text, document.createElement("select"));
    select.add(new Option("all", ""));
    for (const value of [...new Set(values)]) select.add(new Option(value, value));
    return select;
  };
  const source = choice("Source", rows.map((r) => r.source));
  const verdict = choice("Verdict", rows.map((r) => r.verdict).sort());
  const words = labelled("Text", document.createElement("input"));
  words.type = "search";
  const count = document.createElement("output");
  bar.append(count);
  const apply = () => {
    const wanted = words.value.toLowerCase().split(/\s+/);
    let shown = 0;
    for (const r of rows) {
      const hit = (!source.value || r.source === source.value)
        && (!verdict.value || r.verdict === verdict.value)
        && wanted.every((word) => r.text.includes(word));
      r.row.hidden = !hit;
      shown += hit;
    }
    for (const part of parts) part.hidden = !part.querySelector("tr.ledger-row:not([hidden])");
    count.textContent = `${shown} of ${rows.length} claims`;
  };
  /* a permalink must find its row, whatever is filtered away */
  addEventListener("hashchange", () => { bar.reset(); apply(); document.querySelector(":target")?.scrollIntoView(); });
  bar.addEventListener("input", apply);
  bar.addEventListener("submit", (event) => event.preventDefault());
  ledger.prepend(bar);
  apply();
});
