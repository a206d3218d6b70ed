// The search: words of all pages are in PAGES (index.js), rows of [title, address, said, words].
"use strict";

const field = document.getElementById("search");
const found = document.getElementById("found");
const root = document.body.dataset.root;
const MOST = 20;
let chosen = 0;

// How well a page fits a word: the less, the better; 0 where it does not.
function fit(page, word) {
  const title = page[0].toLowerCase();
  const last = title.slice(title.lastIndexOf(".") + 1);
  if (title === word || last === word) return 100;
  if (last.startsWith(word) || title.startsWith(word)) return 60;
  if (title.includes(word)) return 40;
  if (page[2].toLowerCase().includes(word)) return 20;
  if ((" " + page[3]).includes(" " + word)) return 10;
  return 0;
}

function results(text) {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  if (!words.length) return [];
  const list = [];
  for (const page of PAGES) {
    let total = 0;
    for (const word of words) {
      const one = fit(page, word);
      if (!one) { total = 0; break; }
      total += one;
    }
    if (total) list.push([total - page[0].length / 100, page]);
  }
  return list.sort((a, b) => b[0] - a[0]).slice(0, MOST).map(row => row[1]);
}

function show() {
  const list = results(field.value);
  found.textContent = "";
  found.hidden = !field.value.trim();
  chosen = Math.min(chosen, Math.max(list.length - 1, 0));
  list.forEach((page, i) => {
    const link = document.createElement("a");
    link.href = root + page[1];
    link.textContent = page[0];
    if (page[2]) {
      const said = document.createElement("small");
      said.textContent = page[2];
      link.append(said);
    }
    if (i === chosen) link.className = "chosen";
    const item = document.createElement("li");
    item.append(link);
    found.append(item);
  });
  if (!list.length) {
    const item = document.createElement("li");
    item.className = "none";
    item.textContent = "Nothing has these words.";
    found.append(item);
  }
}

field.hidden = false;
field.addEventListener("input", () => { chosen = 0; show(); });
field.addEventListener("keydown", event => {
  if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    chosen = Math.max(0, chosen + (event.key === "ArrowDown" ? 1 : -1));
    show();
    event.preventDefault();
  } else if (event.key === "Enter") {
    const link = found.querySelector("a.chosen");
    if (link) location.href = link.href;
  } else if (event.key === "Escape") {
    field.value = "";
    show();
  }
});
document.addEventListener("keydown", event => {
  if (event.key === "/" && document.activeElement !== field) {
    field.focus();
    event.preventDefault();
  }
});
const asked = new URLSearchParams(location.search).get("q");
if (asked) {
  field.value = asked;
  show();
}
