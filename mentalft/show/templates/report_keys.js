// Keys, and what a printed page needs.

const MOVES = { j: 1, ArrowDown: 1, k: -1, ArrowUp: -1 };
const TURNS = { ArrowRight: 1, ArrowLeft: -1 };

function inList() {
  const box = byId("items").getBoundingClientRect();
  return box.top < innerHeight * 0.6 && box.bottom > innerHeight * 0.2;
}

function onKey(event) {
  const { key, target } = event;
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const typing = target.matches("input, select, textarea");
  if (key === "Escape") {
    if (typing) target.blur();
    else if (state.open) select(state.at, false);
    return;
  }
  if (typing) return;
  const arrow = key.startsWith("Arrow");
  if (arrow && !inList()) return; // elsewhere the arrows scroll the page
  if (key === "/") {
    control.search.focus();
    control.search.select();
  } else if (key in MOVES) {
    select(state.at < 0 ? state.page * PAGE : Math.min(Math.max(state.at + MOVES[key], 0), state.found.length - 1));
  } else if (key in TURNS) {
    turnPage(TURNS[key]);
  } else if ((key === "Enter" || key === "o") && !target.closest("button, a, summary")) {
    select(state.at, !state.open);
  } else return;
  event.preventDefault();
}

if (byId("list")) document.addEventListener("keydown", onKey);

const folds = []; // what was closed before printing

window.addEventListener("beforeprint", () => {
  for (const at of byId("list")?.querySelectorAll("[data-at]") ?? []) {
    if (!at.querySelector(".detail")) at.append(detail(items[state.found[at.dataset.at]], state.metric));
  }
  for (const fold of document.querySelectorAll("details:not([open])")) {
    fold.open = true;
    folds.push(fold);
  }
});

window.addEventListener("afterprint", () => {
  for (const fold of folds.splice(0)) fold.open = false;
  if (byId("list")) showPage(state.page);
});
