// The page itself. All text of the user's program goes in as text, never as markup.

const SVG = "http://www.w3.org/2000/svg";

function make(tag, attributes = {}, ...children) {
  const svg = ["svg", "g", "rect", "text", "path", "title", "defs", "marker"].includes(tag);
  const element = svg ? document.createElementNS(SVG, tag) : document.createElement(tag);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === true) element.setAttribute(key, "");
    else if (value !== false && value != null) element.setAttribute(key, value);
  }
  element.append(...children);
  return element;
}

const cut = (text, n) => ([...text].length > n ? [...text].slice(0, n - 1).join("") + "…" : text);

// ---- the picture --------------------------------------------------------------------------

let drawing = null, zoom = 1, zoomed = false, now = 0, timer = null;

function draw() {
  const { units, edges, home, layers } = layout();
  const width = Math.max(100, ...units.map((u) => u.x + u.width / 2), ...layers.flat().map((p) => p.x)) + 16;
  const height = layers.length * ROW + 4;
  const svg = make("svg", { viewBox: `0 0 ${width} ${height}`, "aria-hidden": "true" });
  const defs = make("defs");
  for (const [id, cls] of [["tip", "tip"], ["tip-f", "tip-f"], ["tip-b", "tip-b"]]) {
    defs.append(make("marker", { id, viewBox: "0 0 8 8", refX: 7, refY: 4, orient: "auto-start-reverse",
      markerWidth: id === "tip" ? 7 : 11, markerHeight: id === "tip" ? 7 : 11, markerUnits: "userSpaceOnUse" },
    make("path", { d: "M0 0L8 4L0 8z", class: cls })));
  }
  svg.append(defs);
  for (const edge of edges) {
    edge.element = make("path", { class: edge.far ? "edge far" : "edge", d: curve(edge, units), "marker-end": "url(#tip)" });
    svg.append(edge.element);
  }
  const results = new Set(run.outputs.map((v) => home[makerOf[v]]));
  units.forEach((unit, k) => { svg.append(box(unit, results.has(k))); });
  drawing = { units, edges, home, svg, width, height };
  $("canvas").replaceChildren(svg);
  fitted();
}

function fitted() { // as large as there is room, as long as it can be read
  const { width, height } = $("canvas").getBoundingClientRect();
  const high = Math.min(1.3, Math.max(1, (height - 2) / drawing.height));
  if (!zoomed) zoom = Math.max(0.85, Math.min(high, (width - 18) / drawing.width)); // a scrollbar
  rescale();
}

function rescale() {
  drawing.svg.setAttribute("width", drawing.width * zoom);
  drawing.svg.setAttribute("height", drawing.height * zoom);
}

function curve(edge, units) {
  const [a, b] = [units[edge.a], units[edge.b]];
  let [x0, y0] = [a.x, a.y + a.height], d = `M${x0} ${y0}`;
  const bend = (x1, y1) => {
    const half = (y1 - y0) / 2;
    d += `C${x0} ${y0 + half} ${x1} ${y1 - half} ${x1} ${y1}`;
  };
  for (const { x, y } of edge.points) { // between boxes it goes straight down
    bend(x, y);
    d += `V${y + a.height}`;
    [x0, y0] = [x, y + a.height];
  }
  bend(b.x, b.y);
  return d;
}

function box(unit, isResult) {
  const left = unit.x - unit.width / 2;
  const group = make("g", { class: `unit ${unit.role}${isResult ? " result" : ""}` });
  const rect = (shift, cls) => make("rect", { x: left + shift, y: unit.y + shift, width: unit.width, height: unit.height, rx: 7, class: cls });
  if (unit.isFold) group.append(rect(6, "under"), rect(3, "under"));
  group.append(rect(0, "box"));
  unit.texts = ["name", "value", "grad"].map((cls, k) => {
    const text = make("text", { x: unit.x, y: unit.y + 18 + 17 * k, class: cls });
    group.append(text);
    return text;
  });
  unit.texts[0].textContent = cut(unit.text, Math.floor((unit.width - 12) / 7.3));
  unit.title = make("title");
  group.append(unit.title);
  group.addEventListener("click", () => {
    if (unit.role === "fold") toggle(unit.item, true); else visit(partsOf(unit.item)[0]);
  });
  unit.element = group;
  return group;
}

// ---- the table and the code ---------------------------------------------------------------

let rows = []; // { of: a part or a fold, v, row, value, grad }

function tabulate() {
  rows = [];
  const body = [];
  for (const item of visible(tree)) {
    if (typeof item !== "number") {
      const row = foldRow(item);
      rows.push({ of: item, row });
      body.push(row);
      for (const v of item.makes) { // unless another row inside shows it
        const unit = unitOf(makerOf[v]);
        const apart = unit === item || (typeof unit !== "number" && !unit.makes.includes(v));
        if (apart) body.push(valueRow(item, v, [jump(makerOf[v], values[v].name)], "its result"));
      }
      continue;
    }
    const part = parts[item];
    if (!part.makes.length) {
      const row = make("tr", {}, make("td", { colspan: 4 }, jump(item, part.text)));
      rows.push({ of: item, row });
      body.push(row);
    }
    part.makes.forEach((v, k) => {
      const how = part.role === "input" ? "input" : part.text.slice(part.text.indexOf(" = ") + 3);
      body.push(valueRow(item, v, [jump(item, values[v].name)], k ? "〃" : how));
    });
  }
  $("rows").replaceChildren(...body);
}

function valueRow(of, v, name, how) {
  const value = make("td", { class: "value" }), grad = make("td", { class: "grad" });
  const row = make("tr", { "data-name": values[v].name }, make("th", { scope: "row" }, ...name),
    make("td", { title: values[v].kind }, how), value, grad);
  rows.push({ of, v, row, value, grad });
  return row;
}

function jump(part, text) {
  const button = make("button", { "aria-label": `Go to ${text}` }, text);
  button.addEventListener("click", () => visit(part));
  return button;
}

function foldRow(fold) {
  const depth = (function count(f) { return f ? 1 + count(f.above) : 0; })(fold.above);
  const button = make("button", { "aria-expanded": String(fold.open), "data-fold": fold.id },
    `${fold.open ? "▾" : "▸"} ${fold.name}`);
  button.style.paddingLeft = `${depth * 14 + 2}px`;
  button.addEventListener("click", () => toggle(fold, !fold.open));
  return make("tr", { class: "fold" }, make("td", { colspan: 4 }, button));
}

function list() {
  $("code").hidden = !run.blocks.length;
  run.blocks.forEach((block, k) => {
    const pre = make("pre");
    block.lines.forEach((line, j) => {
      const number = make("i", { "aria-hidden": "true" }, String(block.start + j));
      pre.append(make("span", { class: "codeline", id: `line-${k}-${j}` }, number, make("span", {}, line || " ")));
    });
    $("blocks").append(make("div", { class: "block" }, make("p", {}, `${block.file}:${block.start}`), pre));
  });
}

// ---- steps --------------------------------------------------------------------------------

function show(t) {
  now = Math.max(0, Math.min(LAST, t));
  const frame = frames[now], back = isBack(now);
  document.body.className = back ? "backward" : "forwards";
  document.body.dataset.step = now;
  $("say").textContent = frame.say;
  $("slider").value = now;
  $("slider").setAttribute("aria-valuetext", `${now} of ${LAST}`);
  $("count").textContent = `${now} / ${LAST} ${back ? "backward" : "forward"}`;
  // Not `disabled`: a button that a person has just pressed would lose the focus.
  for (const id of ["first", "before", "back"]) $(id).setAttribute("aria-disabled", now === 0);
  for (const id of ["forward", "after", "last"]) $(id).setAttribute("aria-disabled", now === LAST);
  detail(frame);
  light(frame, back);
  fillTable(frame);
  lightCode(frame);
}

const NUMBER = /-?\d+\.\d*(e[+-]?\d+)?/g, LONG = 60;
let digits = false;

function rounded(text) { // the numbers of an array in columns, to a few digits
  if (digits || text.length <= LONG) return text;
  const short = (number) => String(Number(Number(number).toPrecision(5)));
  const width = Math.max(...(text.match(NUMBER) || []).map((number) => short(number).length));
  return text.replace(NUMBER, (number) => short(number).padStart(text.includes("\n") ? width : 0));
}

function detail(frame) {
  const items = [], part = frame.part == null ? null : parts[frame.part];
  let long = false;
  const add = (name, text) => {
    long ||= text.length > LONG && NUMBER.test(text);
    NUMBER.lastIndex = 0;
    const shape = text.includes("\n") ? { class: "rows", role: "group", "aria-label": `${name} as rows` } : {};
    items.push(make("dt", {}, name), make("dd", {}, make("span", shape, rounded(text))));
  };
  const sets = frame.sets || [];
  for (const [v, brief, exact] of sets) add(values[v].name, sets.length < CROWD ? exact : brief);
  const grads = frame.grads || [];
  if (frame.phase === "rest") add("0", grads.map(([v]) => `d_${values[v].name}`).join(", "));
  else for (const [v, how, gets, , exact] of grads) {
    const name = `d_${values[v].name}`;
    if (how) add(`${name} +=`, `${how} = ${gets}`);
    add(how ? "so far" : name, exact);
  }
  if (part?.role === "guard") add("question", "The steps that follow are the program's path after this answer.");
  if (part?.inside?.length) add("inside", part.inside.join("\n"));
  if (now === LAST && run.why) add("No backward pass:", run.why);
  $("detail").replaceChildren(...items);
  for (const rows of $("detail").querySelectorAll(".rows")) { // the keyboard scrolls what has the focus
    if (rows.scrollWidth > rows.clientWidth || rows.scrollHeight > rows.clientHeight) rows.tabIndex = 0;
  }
  $("digits").hidden = !long;
  rule(part?.role === "step" ? part : null);
}

function rule(part) { // with the names of the step in place of its letters
  $("rule-box").hidden = !part;
  $("turned").hidden = !part?.letters.turns;
  for (const rule of $("rules").children) {
    rule.hidden = rule.dataset.rule !== part?.title;
    if (rule.hidden) continue;
    for (const formula of rule.querySelectorAll("[data-operand]")) {
      formula.toggleAttribute("hidden", !part.letters.slopes.includes(formula.dataset.operand));
    }
    for (const letter of rule.querySelectorAll("[data-letter]")) {
      letter.textContent = part.letters[letter.dataset.letter];
    }
  }
}

function light(frame, back) {
  const { units, edges, home } = drawing;
  const here = frame.part == null ? null : home[frame.part];
  const got = new Set((frame.grads || []).map(([v]) => home[makerOf[v]]));
  for (const edge of edges) {
    const lit = edge.b === here && (!back || edge.values.some((v) => (frame.grads || []).some(([w]) => w === v)));
    if (edge.lit === lit && edge.back === back) continue;
    [edge.lit, edge.back] = [lit, back];
    edge.element.classList.toggle("lit", lit);
    edge.element.setAttribute("marker-end", !lit ? "url(#tip)" : back ? "none" : "url(#tip-f)");
    edge.element.setAttribute("marker-start", lit && back ? "url(#tip-b)" : "none");
  }
  units.forEach((unit, k) => {
    const cls = unit.element.classList;
    cls.toggle("now", k === here);
    cls.toggle("got", k !== here && got.has(k));
    (unit.isFold ? fillFold : fillUnit)(unit, cls, k === here ? frame.part : null);
  });
  if (here !== null) reveal($("canvas"), units[here]);
  else reveal($("canvas"), units[now ? home[makerOf[run.outputs[0] ?? 0]] : 0]);
}

function fillUnit(unit, cls) {
  const part = parts[unit.item];
  const known = framesOf[unit.item].forward <= now;
  const made = part.makes.map((v) => valueAt(v, now)), grads = part.makes.map((v) => gradAt(v, now));
  const room = Math.floor((unit.width - 12) / 7.3);
  const told = made.filter(Boolean).map((value) => value.brief).join(", ");
  const moved = grads.filter(Boolean).map((grad) => grad.brief).join(", ");
  cls.toggle("known", known);
  cls.toggle("moved", Boolean(moved));
  unit.texts[1].textContent = known ? cut(told, room) : "";
  unit.texts[2].textContent = moved && cut(`∂ ${moved}`, room);
  unit.title.textContent = [part.text, told, moved && `gradient ${moved}`].filter(Boolean).join("\n");
}

function fillFold(unit, cls, part) {
  const fold = unit.item, total = fold.parts.length;
  const done = fold.parts.filter((k) => framesOf[k].forward <= now).length;
  const back = fold.parts.filter((k) => framesOf[k].backward !== null && framesOf[k].backward <= now
    || parts[k].role === "input" && gradAt(parts[k].makes[0], now)).length;
  const told = (entries) => (entries.length && entries.every(Boolean) ? entries.map((entry) => entry.brief).join(", ") : "");
  const value = told(fold.makes.map((v) => valueAt(v, now))), grad = told(fold.makes.map((v) => gradAt(v, now)));
  cls.toggle("known", done > 0);
  cls.toggle("moved", back > 0 || Boolean(grad));
  const room = Math.floor((unit.width - 12) / 7.3);
  const progress = (n) => (n === total ? `all ${total} steps` : `${n} of ${total} steps`);
  let where = part === null ? value || progress(done) : whereIn(fold, part);
  if (unit.role === "input") where = ends(fold);
  const count = unit.role === "input" ? `${back} of ${total}` : progress(back);
  unit.texts[1].textContent = cut(where, room);
  unit.texts[2].textContent = back || grad ? cut(`∂ ${grad || count}`, room) : "";
  unit.title.textContent = unit.role === "input" ? fold.parts.map((k) => parts[k].text).join(", ") : `${fold.name}\nClick to open`;
}

function whereIn(fold, part) {
  const turn = fold.items.find((item) => typeof item !== "number" && item.parts.includes(part));
  return turn ? `${turn.name}: ${parts[part].text}` : parts[part].text;
}

function fillTable(frame) {
  const got = new Set((frame.grads || []).map(([v]) => v));
  let current = null;
  const at = frame.part == null ? null : unitOf(frame.part);
  for (const { of, v, row, value, grad } of rows) {
    const here = at !== null && of === at && (v === undefined || typeof of === "number");
    if (here) current ??= row;
    row.classList.toggle("now", here);
    if (here) row.setAttribute("aria-current", "step"); else row.removeAttribute("aria-current");
    if (v === undefined) continue;
    row.classList.toggle("got", got.has(v));
    put(value, valueAt(v, now));
    put(grad, gradAt(v, now));
  }
  if (current) scrollInto(document.querySelector("#tape .scroll"), current);
}

function put(cell, entry) {
  const text = entry ? (entry.exact.length <= 24 ? entry.exact : entry.brief) : "";
  if (cell.textContent === text) return;
  cell.textContent = text;
  cell.title = entry ? entry.exact : "";
}

function lightCode(frame) {
  for (const old of document.querySelectorAll(".codeline.now")) {
    old.classList.remove("now");
    old.removeAttribute("aria-current");
  }
  const at = frame.part == null ? null : parts[frame.part].place;
  if (!at) return;
  const line = $(`line-${at[0]}-${at[1]}`);
  line.classList.add("now");
  line.setAttribute("aria-current", "true");
  scrollInto($("blocks"), line);
}

// Only the box itself is scrolled, never the page under the reader: to where the window shows it.
function scrollInto(frame, element) {
  const [outer, inner] = [frame.getBoundingClientRect(), element.getBoundingClientRect()];
  const bottom = outer.top + 90 < innerHeight ? Math.min(outer.bottom, innerHeight) : outer.bottom;
  const third = (bottom - outer.top) / 3;
  if (inner.top < outer.top + 34) frame.scrollTop += inner.top - outer.top - third;
  else if (inner.bottom > bottom) frame.scrollTop += inner.bottom - bottom + third;
}

function reveal(frame, unit) {
  if (!unit) return;
  const x = unit.x * zoom, y = unit.y * zoom, [w, h] = [frame.clientWidth, frame.clientHeight];
  const half = (unit.width / 2) * zoom;
  if (x - half < frame.scrollLeft || x + half > frame.scrollLeft + w) frame.scrollLeft = x - w / 2;
  if (y < frame.scrollTop || y + unit.height * zoom > frame.scrollTop + h) frame.scrollTop = y - h / 2;
}

// ---- what the reader does -----------------------------------------------------------------

function visit(part) {
  const at = framesOf[part];
  stop();
  show(isBack(now) && at.backward !== null ? at.backward : at.forward);
}

function toggle(fold, open) {
  fold.open = open;
  redraw();
  const button = document.querySelector(`[data-fold="${fold.id}"]`);
  if (button && document.activeElement === document.body) button.focus({ preventScroll: true });
}

function setFolds(open) {
  for (const fold of folds) fold.open = open;
  redraw();
}

function redraw() {
  draw();
  tabulate();
  show(now);
}

function stop() {
  clearInterval(timer);
  timer = null;
  $("play").textContent = "Play";
  $("say").setAttribute("aria-live", "polite");
}

function play() {
  if (timer) { stop(); return; }
  if (now === LAST) show(0);
  $("say").setAttribute("aria-live", "off"); // it would talk without end
  $("play").textContent = "Pause";
  timer = setInterval(() => { if (now < LAST) show(now + 1); else stop(); }, 900);
}

const go = (t) => { stop(); show(t); };
const boxAt = (t) => (frames[t]?.part == null ? null : unitOf(frames[t].part));

function leap(by) { // over all that happens in one box
  const here = boxAt(now);
  let t = now + by;
  while (here !== null && t >= 0 && t <= LAST && boxAt(t) === here) t += by;
  go(t);
}

const keys = {
  ArrowLeft: (event) => (event.shiftKey ? leap(-1) : go(now - 1)),
  ArrowRight: (event) => (event.shiftKey ? leap(1) : go(now + 1)),
  Home: () => go(0), End: () => go(LAST), " ": play,
};
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey || !keys[event.key]) return;
  if (event.key === " " && event.target.closest("button")) return; // it presses the button
  event.preventDefault();
  keys[event.key](event);
});
$("first").addEventListener("click", () => go(0));
$("back").addEventListener("click", () => go(now - 1));
$("forward").addEventListener("click", () => go(now + 1));
$("before").addEventListener("click", () => leap(-1));
$("after").addEventListener("click", () => leap(1));
$("last").addEventListener("click", () => go(LAST));
$("play").addEventListener("click", play);
$("slider").addEventListener("input", (event) => go(Number(event.target.value)));
$("digits").addEventListener("click", () => {
  digits = !digits;
  $("digits").setAttribute("aria-pressed", digits);
  detail(frames[now]);
});
$("fold").addEventListener("click", () => setFolds(false));
$("unfold").addEventListener("click", () => setFolds(true));
for (const [id, factor] of [["smaller", 1 / 1.2], ["larger", 1.2]]) {
  $(id).addEventListener("click", () => {
    zoom = Math.max(0.2, Math.min(3, zoom * factor));
    zoomed = true;
    rescale();
    show(now);
  });
}

function follow() { // #step=7, #step=last, #open
  const asked = new URLSearchParams(location.hash.slice(1));
  if (asked.has("open")) setFolds(true);
  const step = asked.get("step");
  if (step !== null) go(step === "last" ? LAST : Number(step) || 0);
}
window.addEventListener("hashchange", follow);

const count = parts.filter((part) => part.role === "step").length;
$("about").textContent = `${count} operation${count === 1 ? "" : "s"}, ${
  turn < 0 ? `forward only: ${run.why}` : "forward and then backward"}`;
$("slider").max = LAST;
for (const id of ["fold", "unfold", "before", "after", "leap"]) $(id).hidden = !folds.length;
list();
redraw();
follow();
new ResizeObserver(() => { fitted(); light(frames[now], isBack(now)); }).observe($("canvas"));
