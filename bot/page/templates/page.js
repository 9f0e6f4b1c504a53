
"use strict";
// Search as you type, and a button that copies BibTeX: all else works without this.
document.documentElement.classList.add("js");

document.addEventListener("DOMContentLoaded", () => {
  const search = document.getElementById("search");
  const status = document.getElementById("status");
  const papers = [...document.querySelectorAll(".papers > li")];
  let texts = null;
  let waiting = 0;

  const plain = (text) => text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();

  // What is searched: all that is shown of a paper, and the authors that are not shown.
  function textOf(paper) {
    const shown = [...paper.querySelectorAll("h3, p")].map((part) => part.textContent);
    return plain([...shown, paper.dataset.authors ?? ""].join("\n"));
  }

  function say(words) {
    clearTimeout(waiting);
    status.textContent = words;
  }

  function isFiltered() {
    return document.body.classList.contains("found")
      || [...document.querySelectorAll("select")].some((select) => select.value !== "");
  }

  // Returns how many papers are shown; if the filters match none, a message replaces the sections.
  function shownPapers() {
    document.body.classList.remove("no-match"); // it hides every paper
    const shown = papers.filter((paper) => paper.offsetParent !== null).length;
    document.body.classList.toggle("no-match", shown === 0 && isFiltered());
    return shown;
  }

  function count() {
    const shown = shownPapers();
    say(isFiltered() ? `${shown} of ${papers.length} shown` : "");
  }

  // A screen reader is told once the typing rests.
  function countSoon() {
    shownPapers();
    clearTimeout(waiting);
    waiting = setTimeout(count, 250);
  }

  function find() {
    const words = plain(search.value).split(/\s+/).filter(Boolean);
    texts ??= papers.map(textOf);
    papers.forEach((paper, at) => { paper.hidden = !words.every((word) => texts[at].includes(word)); });
    document.body.classList.toggle("found", words.length > 0);
    countSoon();
  }

  async function copy(button) {
    const text = button.nextSibling.textContent;
    try {
      await navigator.clipboard.writeText(text);
      button.textContent = "Copied";
      say("BibTeX copied");
    } catch {
      // Without https, or without leave: what is selected is one key away.
      getSelection().selectAllChildren(button.parentElement); // the button itself cannot be selected
      say("Press Ctrl+C to copy");
    }
  }

  search.addEventListener("input", find);
  document.querySelector("form").addEventListener("change", countSoon);
  document.querySelector("form").addEventListener("submit", (event) => event.preventDefault());
  document.querySelector("form").addEventListener("reset", () => setTimeout(find));
  document.addEventListener("keydown", (event) => {
    if (event.key === "/" && !event.ctrlKey && !event.metaKey && !event.altKey && !event.target.matches("input, select")) {
      event.preventDefault();
      search.focus();
    }
  });
  document.addEventListener("toggle", (event) => {
    const pre = event.target.open ? event.target.querySelector("pre") : null;
    if (pre === null || pre.querySelector("button") !== null) return;
    const button = document.createElement("button");
    button.type = "button";
    button.className = "copy";
    button.textContent = "Copy";
    button.addEventListener("click", () => copy(button));
    pre.prepend(button);
  }, true);
});
