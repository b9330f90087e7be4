/* A formula in the text that is wider than its column becomes a box that scrolls; MathJax makes it focusable. */
addEventListener("load", () => {
  const fit = () => {
    const formulas = [...document.querySelectorAll("article mjx-container:not([display])")];
    const right = (box) => box.getBoundingClientRect().right;
    const wide = formulas.map((formula) => right(formula.firstElementChild) > right(formula) + 1);
    formulas.forEach((formula, i) => formula.classList.toggle("wide-formula", wide[i]));
  };
  window.MathJax?.startup?.promise?.then(() => {
    fit();
    addEventListener("resize", fit);
    document.addEventListener("toggle", fit, true); /* what is folded has no width until it is opened */
  });
});
