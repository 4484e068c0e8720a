// One item: its dialogue, references and answers side by side, scores, flags.

const { contenders, checks } = data; // the baseline first
const colour = (place) => `c${place % 6}`;

/** The score of the contender at `place` minus the baseline's; null where one of them has no score. */
function difference(item, metric, place = state.contender) {
  const [base, other] = [item.scores[0][metric], item.scores[place][metric]];
  return base == null || other == null ? null : other - base;
}

/** The same, above 0 where the contender is better. */
function gain(item, metric, place = state.contender) {
  const found = difference(item, metric, place);
  return found == null || metrics[metric].higher ? found : -found;
}

const outcomeOf = (value) => (value > 0 ? "better" : value < 0 ? "worse" : "undecided");
const topicOf = (item) => item.topic ?? words.no_topic;
const lastTurn = (item) => (item.history.length ? texts[item.history[item.history.length - 1][1]] : "");
const labelOf = (check) => checks[check] ?? check;
const scoresOf = (item, metric) => [0, state.contender].map((place) => plain(item.scores[place][metric])).join(" → ");

function flagChips(item) {
  return contenders.flatMap((name, place) =>
    item.flags[place].map(([check]) => element("span", { class: `chip ${colour(place)}` }, `${name}: ${labelOf(check)}`)),
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
  return contenders.map((name, place) => [name, colour(place), paragraph(texts[item.answers[place]], shared)]);
}

function scoreTable(item, chosen) {
  const cells = (values, shown, kinds = []) => values.map((value, i) =>
    element("td", { class: `n ${kinds[i] ?? ""} ${i === chosen ? "chosen" : ""}` }, shown(value)));
  const differences = (place) => cells(metrics.map((_, i) => difference(item, i, place)), signed, metrics.map((_, i) => outcomeOf(gain(item, i, place))));
  const others = contenders.slice(1);
  const row = (name, side, made) => element("tr", {}, element("th", { scope: "row" }, element("span", { class: `side ${side}` }, name)), ...made);
  return element("div", { class: "scroll" }, element("table", { class: "scores" },
    element("thead", {}, element("tr", {}, element("th", {}), ...metrics.map((m, i) =>
      element("th", { scope: "col", class: `n ${i === chosen ? "chosen" : ""}` }, m.title + (m.higher ? "" : " ↓"))))),
    element("tbody", {},
      ...contenders.map((name, place) => row(name, colour(place), cells(item.scores[place], plain))),
      ...others.map((name, i) => row(others.length > 1 ? `${words.difference}: ${name}` : words.difference, "", differences(i + 1))))));
}

function flagList(item) {
  const found = contenders.flatMap((name, place) => item.flags[place].map(([check, evidence]) =>
    element("li", {}, element("span", { class: `chip ${colour(place)}` }, `${name}: ${labelOf(check)}`), " ", element("bdi", {}, evidence))));
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
  const parts = [...references(item).slice(0, 1), ...answers(item)].map(([name, kind, text]) =>
    element("div", { class: `part ${kind}` }, element("span", { class: `side ${kind}` }, name), text));
  return element("article", { class: "card" },
    element("header", {},
      element("b", { class: outcomeOf(gain(item, metric)) }, signed(value)),
      element("span", { class: "dim" }, scoresOf(item, metric)),
      ...flagChips(item),
      element("button", { type: "button", class: "more where", title: words.open_item, onclick: show },
        element("bdi", {}, item.id), " · ", element("bdi", {}, topicOf(item)))),
    element("div", { class: "part user" }, element("span", { class: "side" }, words.user), paragraph(lastTurn(item))),
    ...parts);
}
