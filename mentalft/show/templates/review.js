// A rater's page: one pair at a time; what is said is kept in this browser until the file is saved.

const data = JSON.parse(document.getElementById("review-data").textContent);
const { questions } = data;
const byId = (id) => document.getElementById(id);
const START = -1, END = questions.length;
const PLACE = `mentalft-review/${data.export}/${data.rater}`;
const KEYS = [[["1", "2", "0"], "choice"], [["←", "→"], "turn"], [["Tab"], "tab"], [["S", "R"], "rest"]];
const CHOICES = { 1: "first", 0: "tie", 2: "second" };
const state = { at: START, language: data.language, answers: {}, shown: [] };
let isKept = true; // whether this browser can keep what is said

function recall() {
  try {
    const kept = JSON.parse(localStorage.getItem(PLACE) ?? "null");
    if (kept) Object.assign(state, kept);
  } catch {
    isKept = false;
  }
}

function keep() {
  try {
    localStorage.setItem(PLACE, JSON.stringify(state));
  } catch {
    isKept = false;
  }
}

const words = () => data.words[state.language];
const rubric = () => data.rubric[state.language];
const question = () => questions[state.at];
const answerTo = (one) => state.answers[one.id] ?? {};
const isDone = (one) => Boolean(answerTo(one).choice || answerTo(one).skipped);
const isHidden = (one) => one.warned && !state.shown.includes(one.id);

/** Change what is said of the question that is open. */
function say(change) {
  state.answers[question().id] = { ...answerTo(question()), ...change };
  keep();
}

function go(at) {
  state.at = Math.min(Math.max(at, START), END);
  keep();
  draw();
  scrollTo(0, 0);
}

function choose(choice) {
  say({ choice, skipped: false });
  draw();
}

function skip() {
  say({ choice: null, skipped: true });
  go(state.at + 1);
}

function show() {
  state.shown.push(question().id);
  keep();
  draw();
}

function rate(dimension, side, value) {
  const rated = answerTo(question()).ratings ?? {};
  const pair = [...(rated[dimension] ?? [null, null])];
  pair[side] = value;
  say({ ratings: { ...rated, [dimension]: pair } });
}

/** CRC-32 (ISO 3309) of a text's UTF-8. */
function crc32(text) {
  let crc = ~0;
  for (const byte of new TextEncoder().encode(text)) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit += 1) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return ~crc >>> 0;
}

function save() {
  const answers = questions.filter((one) => state.answers[one.id]).map((one) => ({ id: one.id, ...answerTo(one) }));
  const checksum = crc32(JSON.stringify(answers));
  const file = { export: data.export, rater: data.rater, saved: new Date().toISOString(), answers, checksum };
  const url = URL.createObjectURL(new Blob([JSON.stringify(file)], { type: "application/json" }));
  element("a", { href: url, download: `review-${data.export}-${data.rater}.json` }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10000);
}

// what is drawn

const button = (label, press, options = {}) => element("button", { type: "button", onclick: press, ...options }, label);
const keyed = (label, key) => element("span", {}, label, " ", element("kbd", {}, key));

function text(content) {
  const empty = !content.trim();
  return element("p", { class: empty ? "text none" : "text", dir: "auto" }, empty ? words().empty : content);
}

function message([role, content]) {
  return element("div", { class: `message ${role}` }, element("span", { class: "who" }, words()[role] ?? role), text(content));
}

function history(one) {
  const box = element("div", { class: "history", tabindex: 0, role: "region", "aria-label": words().history });
  box.append(...one.history.map(message));
  return box;
}

function dimensionRows(dimension) {
  const given = (answerTo(question()).ratings ?? {})[dimension.name] ?? [];
  const level = (side) => ([value, label]) => {
    const input = element("input", {
      type: "radio", name: `${dimension.name}-${side}`, value, checked: given[side] === value,
      onchange: () => rate(dimension.name, side, value),
    });
    return element("label", {}, input, element("span", {}, `${value} ${label}`));
  };
  const rows = [0, 1].map((side) => {
    const row = element("div", { class: "levels", role: "radiogroup", "aria-label": `${dimension.title}, ${words()[`answer_${side + 1}`]}` });
    row.append(element("b", {}, side + 1), ...dimension.levels.map(level(side)));
    return row;
  });
  const head = element("legend", {}, element("b", {}, dimension.title), " ", dimension.question);
  return element("fieldset", {}, head, ...rows);
}

function choices(one) {
  const labels = one.guess
    ? { 1: words().guess_first, 0: words().guess_none, 2: words().guess_second }
    : { 1: words().first, 0: words().tie, 2: words().second };
  const made = ["1", "0", "2"].map((key) =>
    button(keyed(labels[key], key), () => choose(CHOICES[key]), {
      id: `choice-${key}`, class: "choice", "aria-pressed": String(answerTo(one).choice === CHOICES[key]),
    }));
  return element("div", { class: "choices" }, ...made);
}

function warning() {
  return element("section", { class: "warned", role: "note" },
    element("h2", {}, words().warning),
    element("p", {}, words().warning_text),
    element("div", { class: "choices" },
      button(keyed(words().show, "Enter"), show, { id: "show", class: "choice" }),
      button(keyed(words().skip, "S"), skip, { id: "skip", class: "choice" })));
}

function remark(one) {
  const field = element("textarea", { id: "remark", rows: 2, oninput: (event) => say({ remark: event.target.value }) });
  field.value = answerTo(one).remark ?? "";
  return element("label", { class: "remark" }, keyed(words().remark, "R"), field);
}

function pair(one) {
  if (isHidden(one)) return [warning()];
  const panels = one.answers.map((content, side) =>
    element("section", { class: "panel answer" }, element("h3", {}, words()[`answer_${side + 1}`]), text(content)));
  const parts = [history(one), element("div", { class: "panels" }, ...panels),
    element("h2", { class: "asked" }, one.guess ? words().guess : rubric().overall), choices(one)];
  if (one.guess) return [element("p", { class: "last" }, words().last_round), ...parts];
  const dimensions = rubric().dimensions;
  if (dimensions.length) {
    parts.push(element("p", { class: "how" }, words().ratings), element("div", { class: "dimensions" }, ...dimensions.map(dimensionRows)));
  }
  return [...parts, remark(one), button(keyed(words().skip, "S"), skip, { id: "skip", class: "plain" })];
}

function start() {
  const regions = new Intl.DisplayNames([data.html_languages[state.language]], { type: "region" });
  const lines = data.lines.map(([region, name, number]) =>
    element("li", {}, `${regions.of(region)}: `, element("b", {}, number), ` ${name}`));
  const keys = KEYS.map(([names, meaning]) =>
    element("li", {}, ...names.flatMap((name) => [element("kbd", {}, name), " "]), words()[`key_${meaning}`]));
  const pairs = questions.filter((one) => !one.guess).length;
  return [element("section", {},
    element("h1", {}, words().title),
    ...[1, 2, 3].map((n) => element("p", {}, filled(words()[`how_${n}`], { pairs }))),
    button(keyed(questions.some(isDone) ? words().go_on : words().begin, "Enter"), advance, { id: "begin", class: "choice" }),
    element("h2", {}, words().care),
    element("p", {}, words().care_text),
    element("ul", { class: "lines" }, ...lines),
    element("h2", {}, words().keyboard),
    element("ul", { class: "lines" }, ...keys))];
}

function end() {
  const open = questions.flatMap((one, at) => (isDone(one) ? [] : [at]));
  const jump = (at) => button(at + 1, () => go(at), { class: "jump" });
  return [element("section", {},
    element("h1", {}, open.length ? filled(words().open, { open: open.length }) : words().all_done),
    open.length ? element("p", {}, ...open.slice(0, 60).map(jump)) : null,
    element("p", {}, words().send),
    button(keyed(words().save, "Enter"), save, { id: "save-all", class: "choice" }))];
}

function bar() {
  const done = questions.filter(isDone).length;
  const place = state.at === START || state.at === END ? "" : filled(words().place, { at: state.at + 1, all: questions.length });
  const other = state.language === "zh" ? "en" : "zh";
  const turn = () => {
    state.language = other;
    keep();
    draw();
  };
  return [
    button("←", () => go(state.at - 1), { id: "back", title: words().back, "aria-label": words().back, disabled: state.at === START }),
    element("span", { id: "place" }, place),
    element("progress", { value: done, max: questions.length, title: filled(words().done, { done, all: questions.length }) }),
    button(words().save_short, save, { id: "save" }),
    button(data.words[other].language, turn, { id: "language", lang: data.html_languages[other] }),
    button("→", () => go(state.at + 1), { id: "next", title: words().next, "aria-label": words().next, disabled: state.at === END }),
  ];
}

function draw() {
  const focused = document.activeElement?.id;
  document.documentElement.lang = data.html_languages[state.language];
  document.title = words().title;
  const parts = state.at === START ? start() : state.at === END ? end() : pair(question());
  if (!isKept) parts.unshift(element("p", { class: "not-kept", role: "alert" }, words().not_kept));
  byId("bar").replaceChildren(...bar());
  byId("page").replaceChildren(...parts);
  const box = document.querySelector(".history");
  if (box) box.scrollTop = box.scrollHeight; // what is answered stands last
  if (focused) byId(focused)?.focus();
}

/** From the beginning to the first question that is open, and else to the next one. */
function advance() {
  const first = questions.findIndex((one) => !isDone(one));
  go(state.at === START ? (first < 0 ? END : first) : state.at + 1);
}

function onKey(event) {
  const { key, target } = event;
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  if (target.matches("textarea")) {
    if (key === "Escape") target.blur();
    return;
  }
  const isAsked = state.at > START && state.at < END;
  const isOpen = isAsked && !isHidden(question());
  const level = target.matches("input[type=radio]") && document.querySelector(`input[name="${target.name}"][value="${key}"]`);
  if (level) {
    level.click();
    level.focus();
  } else if (target.matches("input[type=radio]") && key.startsWith("Arrow")) return; // moves between the levels
  else if (isOpen && key in CHOICES && !target.matches("input")) choose(CHOICES[key]);
  else if (isAsked && key.toLowerCase() === "s") skip();
  else if (isOpen && !question().guess && key.toLowerCase() === "r") byId("remark").focus();
  else if (key === "ArrowLeft") go(state.at - 1);
  else if (key === "ArrowRight") go(state.at + 1);
  else if (key === "Enter" && !target.matches("button:not([aria-pressed=true])")) {
    if (isAsked && isHidden(question())) show();
    else if (state.at === END) save();
    else advance();
  } else return;
  event.preventDefault();
}

document.addEventListener("keydown", onKey);
recall();
draw();
