// Texts: how an element is made, what a text looks like, and which words an answer shares with a reference.

const data = JSON.parse(document.getElementById("report-data").textContent);
const { words, metrics, texts, items } = data;

const counted = (number) => number.toLocaleString("en");

/** Figures with as many places as everywhere else in mentalft: four below 10, fewer above. */
function plain(value) {
  if (value == null) return "–";
  const size = Math.abs(value);
  return value.toFixed(size < 9.99995 ? 4 : size < 99.9995 ? 3 : size < 999.995 ? 2 : size < 9999.95 ? 1 : 0);
}

const signed = (value) => (value == null ? "–" : (value < 0 ? "" : "+") + plain(value));

const HAS_CHINESE = /[\u3400-\u4dbf\u4e00-\u9fff]/;
const segmenters = new Map();

/** Pieces of a text, each with whether it is a word; Chinese is divided by dictionary where the browser has one. */
function pieces(text) {
  const language = HAS_CHINESE.test(text) ? "zh" : "en";
  if (!("Segmenter" in Intl)) {
    const found = text.match(/[\u3400-\u9fff]|[\p{L}\p{N}]+|[^\p{L}\p{N}]+/gu) ?? [];
    return found.map((piece) => [piece, /[\p{L}\p{N}]/u.test(piece)]);
  }
  if (!segmenters.has(language)) segmenters.set(language, new Intl.Segmenter(language, { granularity: "word" }));
  return Array.from(segmenters.get(language).segment(text), (one) => [one.segment, one.isWordLike]);
}

const folded = (word) => word.normalize("NFKC").toLowerCase();

function wordsOf(references) {
  return new Set(references.flatMap((text) => pieces(text).filter(([, isWord]) => isWord).map(([piece]) => folded(piece))));
}

/** The text in which the words of `shared` are marked; neighbours share a mark. */
function marked(text, shared) {
  const parts = [];
  let run = "", inMark = false;
  const close = () => {
    if (run) parts.push(inMark ? element("mark", {}, run) : run);
    run = "";
  };
  for (const [piece, isWord] of pieces(text)) {
    const mark = isWord && shared.has(folded(piece));
    if (mark !== inMark) close();
    inMark = mark;
    run += piece;
  }
  close();
  return parts;
}

const LONG = 600; // characters from which on a text is folded
const FOLDED = 400; // characters shown of it

/** A text as a paragraph; a long one is folded until it is asked for. */
function paragraph(text, shared = null) {
  const shown = (part) => (shared ? marked(part, shared) : [part]);
  if (!text.trim()) return element("p", { class: "text none" }, words.empty_text);
  const made = element("p", { class: "text", dir: "auto" });
  if (text.length <= LONG) {
    made.append(...shown(text));
    return made;
  }
  const first = Array.from(text.slice(0, FOLDED + 1)).slice(0, -1).join(""); // no half of a pair of surrogates
  const label = filled(words.more, { n: counted(text.length) });
  const button = element("button", { type: "button", class: "more", "aria-expanded": "false" }, label);
  let open = false;
  const draw = () => made.replaceChildren(...(open ? shown(text) : [...shown(first), "…"]));
  button.addEventListener("click", () => {
    open = !open;
    button.textContent = open ? words.less : label;
    button.setAttribute("aria-expanded", String(open));
    draw();
  });
  draw();
  return element("div", {}, made, button);
}
