// One item: its dialogue, references and answers side by side, scores, flags.

const SIDES = ["base", "tuned"];

/** Tuned minus base on a metric; null where one of them has no score. */
function difference(item, metric) {
  const [base, tuned] = [item.scores[0][metric], item.scores[1][metric]];
  return base == null || tuned == null ? null : tuned - base;
}

/** The same, above 0 where tuned is better. */
function gain(item, metric) {
  const found = difference(item, metric);
  return found == null || metrics[metric].higher ? found : -found;
}

const outcomeOf = (value) => (value > 0 ? "better" : value < 0 ? "worse" : "undecided");
const topicOf = (item) => item.topic ?? words.no_topic;
const lastTurn = (item) => (item.history.length ? texts[item.history[item.history.length - 1][1]] : "");
const labelOf = (check) => words[check] ?? check.replaceAll("_", " ");

function flagChips(item) {
  return SIDES.flatMap((side, place) =>
    item.flags[place].map(([check]) => element("span", { class: `chip ${side}` }, `${words[side]}: ${labelOf(check)}`)),
  );
}

function message([role, text]) {
  const name = data.roles[role];
  const known = ["user", "assistant", "system"].includes(name) ? name : "other";
  return element("div", { class: `message ${known}` }, element("span", { class: "who" }, words[name] ?? name), paragraph(texts[text]));
}

function dialogue(item) {
  const earlier = item.history.slice(0, -1), last = item.history.slice(-1);
  const label = filled(words.earlier, { n: earlier.length });
  const fold = element("details", { class: "earlier" }, element("summary", {}, label), ...earlier.map(message));
  return element("div", { class: "dialogue" }, element("h4", {}, words.history), earlier.length ? fold : null, ...last.map(message));
}

function references(item) {
  const several = item.references.length > 1;
  return item.references.map((place, number) => [
    several ? filled(words.reference_n, { n: number + 1 }) : words.reference, "reference", paragraph(texts[place]),
  ]);
}

function answers(item) {
  const shared = wordsOf(item.references.map((place) => texts[place]));
  return SIDES.map((side, place) => [words[side], side, paragraph(texts[item.answers[place]], shared)]);
}

function scoreTable(item, chosen) {
  const cells = (values, shown, kinds = []) => values.map((value, i) =>
    element("td", { class: `n ${kinds[i] ?? ""} ${i === chosen ? "chosen" : ""}` }, shown(value)));
  const gains = metrics.map((_, i) => gain(item, i));
  const row = (name, side, made) => element("tr", {}, element("th", { scope: "row" }, element("span", { class: `side ${side}` }, name)), ...made);
  return element("div", { class: "scroll" }, element("table", { class: "scores" },
    element("thead", {}, element("tr", {}, element("th", {}), ...metrics.map((m, i) =>
      element("th", { scope: "col", class: `n ${i === chosen ? "chosen" : ""}` }, m.title + (m.higher ? "" : " ↓"))))),
    element("tbody", {},
      row(words.base, "base", cells(item.scores[0], plain)),
      row(words.tuned, "tuned", cells(item.scores[1], plain)),
      row(words.difference, "", cells(metrics.map((_, i) => difference(item, i)), signed, gains.map(outcomeOf))))));
}

function flagList(item) {
  const found = SIDES.flatMap((side, place) => item.flags[place].map(([check, evidence]) =>
    element("li", {}, element("span", { class: `chip ${side}` }, `${words[side]}: ${labelOf(check)}`), " ", element("bdi", {}, evidence))));
  return found.length ? element("ul", { class: "flags" }, ...found) : null;
}

/** Everything there is of an item. */
function detail(item, chosen) {
  const panels = [...references(item), ...answers(item)].map(([name, kind, text]) =>
    element("div", { class: `panel ${kind}` }, element("h4", {}, element("span", { class: `side ${kind}` }, name)), text));
  return element("div", { class: "detail" }, dialogue(item), element("div", { class: "panels" }, ...panels), flagList(item), scoreTable(item, chosen));
}

/** An item among the biggest gains or losses: the last turn, reference and answers, under one another. */
function card(item, metric, show) {
  const value = difference(item, metric);
  const scores = `${plain(item.scores[0][metric])} → ${plain(item.scores[1][metric])}`;
  const parts = [...references(item).slice(0, 1), ...answers(item)].map(([name, kind, text]) =>
    element("div", { class: `part ${kind}` }, element("span", { class: `side ${kind}` }, name), text));
  return element("article", { class: "card" },
    element("header", {},
      element("b", { class: outcomeOf(gain(item, metric)) }, signed(value)),
      element("span", { class: "dim" }, scores),
      ...flagChips(item),
      element("button", { type: "button", class: "more where", title: words.open_item, onclick: show },
        element("bdi", {}, item.id), " · ", element("bdi", {}, topicOf(item)))),
    element("div", { class: "part user" }, element("span", { class: "side" }, words.user), paragraph(lastTurn(item))),
    ...parts);
}
