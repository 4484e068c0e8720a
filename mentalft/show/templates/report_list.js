// The list: search, filters, order, pages; and the biggest gains and losses.

const PAGE = 50; // items on a page
const EXTREMES = 4; // gains, and as many losses
const byId = (id) => document.getElementById(id);
const control = Object.fromEntries(["search", "outcome", "topic", "flag", "order"].map((id) => [id, byId(id)]));
const selects = Array.from(document.querySelectorAll("select.metric"));
const sides = Array.from(document.querySelectorAll("select.contender"));
const state = { metric: 0, contender: 1, found: [], page: 0, at: -1, open: false };

function option(value, label) {
  return element("option", { value }, label);
}

function tally(values) {
  const found = new Map();
  for (const value of values) found.set(value, (found.get(value) ?? 0) + 1);
  return [...found].sort((a, b) => b[1] - a[1]);
}

function fillControls() {
  for (const select of selects) select.append(...metrics.map((m, i) => option(i, m.title)));
  control.outcome.append(option("", words.all_outcomes), ...["better", "undecided", "worse"].map((outcome) => option(outcome, outcome)));
  nameOutcomes();
  control.topic.append(option("", words.all_topics));
  control.topic.append(...tally(items.map(topicOf)).map(([topic, n]) => option(`=${topic}`, `${topic} (${counted(n)})`)));
  control.flag.append(option("", words.any_or_none));
  for (const select of sides) select.append(...contenders.slice(1).map((name, i) => option(i + 1, name)));
  for (const [place, name] of contenders.entries()) {
    const checks = tally(items.flatMap((item) => [...new Set(item.flags[place].map(([check]) => check))]));
    control.flag.append(...checks.map(([check, n]) => option(`${place} ${check}`, `${name}: ${labelOf(check)} (${counted(n)})`)));
  }
  control.order.append(option("", words.as_asked), option("best", words.best_first), option("worst", words.worst_first));
}

/** The outcomes are those of the contender that is looked at. */
function nameOutcomes() {
  const name = contenders[state.contender];
  const told = [words.wins, words.ties, words.losses_only].map((text) => filled(text, { name }));
  Array.from(control.outcome.options).slice(1).forEach((one, i) => { one.textContent = told[i]; });
}

let searchable = null; // every text once, folded; made when it is first needed

/** Which places of `texts` hold what is searched for. */
function textsWith(sought) {
  searchable ??= texts.map(folded);
  return searchable.map((text) => text.includes(sought));
}

function searchFor(sought) {
  if (!sought) return () => true;
  const holds = textsWith(sought);
  return (item) =>
    item.history.some(([, place]) => holds[place]) || item.references.some((place) => holds[place]) ||
    item.answers.some((place) => holds[place]) || folded(String(item.id)).includes(sought) || folded(topicOf(item)).includes(sought);
}

function ordered(found, order, metric) {
  if (!order) return found;
  const sign = order === "best" ? -1 : 1;
  const keyed = found.map((place) => [place, gain(items[place], metric)]);
  keyed.sort((a, b) => (a[1] == null) - (b[1] == null) || sign * (a[1] - b[1]) || a[0] - b[0]);
  return keyed.map(([place]) => place);
}

/** Find again what fits, and show the page that `keep` (a place in `items`) is on, or the first. */
function refresh(keep = null) {
  const fits = searchFor(folded(control.search.value.trim()));
  const { metric } = state, outcome = control.outcome.value, topic = control.topic.value.slice(1);
  const [side, check] = control.flag.value.split(/ (.*)/s);
  const found = [];
  items.forEach((item, place) => {
    if (control.topic.value && topicOf(item) !== topic) return;
    if (outcome && (gain(item, metric) == null || outcomeOf(gain(item, metric)) !== outcome)) return;
    if (check && !item.flags[side].some(([name]) => name === check)) return;
    if (fits(item)) found.push(place);
  });
  state.found = ordered(found, control.order.value, metric);
  const at = keep == null ? -1 : state.found.indexOf(keep);
  state.at = at;
  state.open = at >= 0 && state.open;
  showPage(at >= 0 ? Math.floor(at / PAGE) : 0);
}

function row(place, at) {
  const item = items[place], { metric } = state, value = gain(item, metric);
  const open = at === state.at && state.open;
  const head = element("button", { type: "button", class: "row", "aria-expanded": String(open), onclick: () => select(at, !(at === state.at && state.open)) },
    element("span", { class: `delta ${outcomeOf(value)}` }, signed(difference(item, metric))),
    element("span", { class: "id" }, element("bdi", {}, String(item.id))),
    element("span", { class: "topic" }, element("bdi", {}, topicOf(item))),
    element("span", { class: "said", dir: "auto" }, lastTurn(item).slice(0, 120)),
    element("span", { class: "chips" }, ...flagChips(item)),
    element("span", { class: "values" }, scoresOf(item, metric)));
  return element("li", { class: at === state.at ? "selected" : "", "data-at": at }, head, open ? detail(item, metric) : null);
}

const pages = () => Math.max(1, Math.ceil(state.found.length / PAGE));

/** Said where nothing fits, with a way out of it. */
function nothingFound() {
  const beginAgain = () => {
    resetFilters();
    control.search.focus(); // the button is gone
  };
  const again = element("button", { type: "button", onclick: beginAgain }, words.reset);
  return element("li", { class: "nothing" }, element("span", { role: "status" }, words.nothing_found), " ", again);
}

function showPage(page) {
  state.page = Math.min(Math.max(page, 0), pages() - 1);
  const from = state.page * PAGE;
  const rows = state.found.slice(from, from + PAGE).map((place, i) => row(place, from + i));
  byId("list").replaceChildren(...(rows.length ? rows : [nothingFound()]));
  byId("count").textContent = filled(words.shown_of, { shown: counted(state.found.length), all: counted(items.length) });
  byId("page").textContent = filled(words.page, { page: state.page + 1, pages: pages() });
  byId("previous").disabled = state.page === 0;
  byId("next").disabled = state.page === pages() - 1;
}

function turnPage(step) {
  Object.assign(state, { at: -1, open: false });
  showPage(state.page + step);
}

function redraw(at) {
  const there = byId("list").querySelector(`[data-at="${at}"]`);
  if (there) there.replaceWith(row(state.found[at], at));
}

/** Select the item at a place of what was found, open or not, and bring it into view. */
function select(at, open = state.open) {
  if (at < 0 || at >= state.found.length) return;
  const before = state.at;
  Object.assign(state, { at, open });
  if (Math.floor(at / PAGE) !== state.page) showPage(Math.floor(at / PAGE));
  else for (const one of new Set([before, at])) redraw(one);
  const there = byId("list").querySelector(`[data-at="${at}"]`);
  there.querySelector(".row").focus({ preventScroll: true });
  there.scrollIntoView({ block: open ? "start" : "nearest" });
}

function clearFilters() {
  for (const one of Object.values(control)) one.value = "";
}

/** Show every item again. */
function resetFilters() {
  clearFilters();
  refresh(state.found[state.at]);
}

/** Show an item in the list, whatever the filters are. */
function showInList(place) {
  if (!state.found.includes(place)) clearFilters();
  state.open = true;
  refresh(place);
  select(state.at, true);
}

function showExtremes() {
  const { metric } = state;
  const places = items.map((_, place) => place);
  for (const [id, order, none, wanted] of [["gains", "best", "none_gained", 1], ["losses", "worst", "none_lost", -1]]) {
    const found = ordered(places.filter((place) => Math.sign(gain(items[place], metric)) === wanted), order, metric);
    const cards = found.slice(0, EXTREMES).map((place) => card(items[place], metric, () => showInList(place)));
    byId(id).replaceChildren(...(cards.length ? cards : [element("p", { class: "how" }, words[none])]));
  }
}

function chooseMetric(metric) {
  state.metric = metric;
  for (const select of selects) select.value = String(metric);
  showExtremes();
  refresh(state.found[state.at]);
}

function chooseContender(place) {
  state.contender = place;
  for (const select of sides) select.value = String(place);
  nameOutcomes();
  chooseMetric(state.metric);
}

if (byId("list")) {
  fillControls();
  for (const select of sides) select.addEventListener("change", () => chooseContender(Number(select.value)));
  for (const select of selects) select.addEventListener("change", () => chooseMetric(Number(select.value)));
  control.search.addEventListener("input", () => refresh());
  for (const id of ["outcome", "topic", "flag", "order"]) control[id].addEventListener("change", () => refresh());
  byId("filters").addEventListener("submit", (event) => event.preventDefault());
  byId("reset").addEventListener("click", resetFilters);
  byId("previous").addEventListener("click", () => turnPage(-1));
  byId("next").addEventListener("click", () => turnPage(1));
  chooseContender(1);
}
