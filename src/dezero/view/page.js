"use strict";
// The page of `to_html`. All text of the user's program goes in as text, never as markup.

const $ = (id) => document.getElementById(id);
const run = JSON.parse($("data").textContent);
const { values, parts, frames } = run;
const LAST = frames.length - 1;
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
const wide = (text) => [...text].length * 7.3;

// ---- when things happen -------------------------------------------------------------------

const story = values.map(() => ({ at: Infinity, brief: "", exact: "", grads: [] }));
const framesOf = parts.map(() => ({ forward: 0, backward: null })); // inputs are there from 0
frames.forEach((frame, t) => {
  if (frame.phase === "forward") framesOf[frame.part].forward = t;
  if (frame.phase === "backward") framesOf[frame.part].backward = t;
  for (const [v, brief, exact] of frame.sets || []) Object.assign(story[v], { at: t, brief, exact });
  for (const [v, , , brief, exact] of frame.grads || []) story[v].grads.push({ t, brief, exact });
});
const makerOf = values.map(() => 0);
parts.forEach((part, k) => part.makes.forEach((v) => { makerOf[v] = k; }));

const valueAt = (v, t) => (story[v].at <= t ? story[v] : null);
const gradAt = (v, t) => story[v].grads.findLast((g) => g.t <= t) || null;
const turn = frames.findIndex((frame) => frame.phase === "seed");
const isBack = (t) => turn >= 0 && t >= turn;

// ---- what is folded -----------------------------------------------------------------------

const folds = []; // each { items, times, period, label, above, first, open }
const above = parts.map(() => null); // the innermost fold of a part

function enter(item, outer, nth) {
  if (typeof item === "number") { above[item] = outer; return item; }
  const fold = { ...item, above: outer, nth, open: false, id: folds.length };
  folds.push(fold);
  fold.items = item.items.map((each, k) => enter(each, fold, k + 1));
  fold.first = firstOf(fold);
  fold.last = lastOf(fold);
  return fold;
}
const firstOf = (item) => (typeof item === "number" ? item : firstOf(item.items[0]));
const lastOf = (item) => (typeof item === "number" ? item : lastOf(item.items.at(-1)));
const inputs = parts.flatMap((part, k) => (part.role === "input" ? [k] : []));
const tree = [...inputs, ...run.folds.map((item) => enter(item, null, 0))];
const headline = (fold) =>
  fold.times ? `${fold.times} × (${fold.label})` : `${fold.nth} of ${fold.above.times}`;

function unitOf(part) { // the outermost closed fold around a part, or itself
  let unit = part;
  for (let fold = above[part]; fold; fold = fold.above) if (!fold.open) unit = fold;
  return unit;
}
function visible(items, rows = []) {
  for (const item of items) {
    rows.push(item);
    if (typeof item !== "number" && item.open) visible(item.items, rows);
  }
  return rows;
}

// ---- layout: layers, their order, and places ----------------------------------------------

const ROW = 92, GAP = 18, REACH = 6, WIDEST = 7;

function layout() {
  const units = [], number = new Map();
  const shown = visible(tree).filter((item) => typeof item === "number" || !item.open);
  for (const item of shown) { number.set(item, units.length); units.push(unitData(item)); }
  const home = parts.map((_, k) => number.get(unitOf(k)));
  const edges = new Map();
  parts.forEach((part, k) => {
    for (const v of part.reads) {
      const [a, b] = [home[makerOf[v]], home[k]];
      if (a === b) continue;
      const key = `${a} ${b}`;
      if (!edges.has(key)) {
        edges.set(key, { a, b, values: [] });
        units[b].from.push(a);
        units[a].to.push(b);
      }
      edges.get(key).values.push(v);
    }
  });
  setLayers(units);
  const layers = [];
  const put = (thing) => (layers[thing.layer] ||= []).push(thing);
  units.forEach(put);
  for (const edge of edges.values()) thread(edge, units, put);
  for (let k = 0; k < layers.length; k++) layers[k] ||= [];
  order(layers);
  place(layers);
  return { units, edges: [...edges.values()], home, layers };
}

function unitData(item) {
  const isFold = typeof item !== "number";
  const text = isFold ? headline(item) : parts[item].text;
  const made = isFold ? [] : parts[item].makes;
  const longest = [text, ...made.flatMap((v) => [story[v].brief, ...story[v].grads.map((g) => "∂ " + g.brief)])];
  const width = Math.max(84, Math.min(236, Math.max(...longest.map(wide)) + 20));
  return { item, isFold, text, width, height: 60, from: [], to: [], up: [], down: [], x: 0 };
}

function setLayers(units) {
  // Each below all that it reads, but no layer wider than the eye takes in.
  const count = new Map(), fill = (unit, layer) => { unit.layer = layer; count.set(layer, (count.get(layer) || 0) + 1); };
  const full = (layer) => (count.get(layer) || 0) >= WIDEST;
  const isInput = (unit) => !unit.isFold && parts[unit.item].role === "input";
  for (const unit of units) {
    if (isInput(unit)) continue;
    let layer = Math.max(0, ...unit.from.map((k) => (isInput(units[k]) ? 0 : units[k].layer + 1)));
    while (full(layer)) layer++;
    fill(unit, layer);
  }
  for (const unit of units.filter(isInput)) { // an input just above what reads it first
    let layer = Math.min(...unit.to.map((k) => units[k].layer), Infinity);
    layer = layer === Infinity ? -1 : layer - 1;
    while (full(layer)) layer--;
    fill(unit, layer);
  }
  const top = Math.min(0, ...units.map((unit) => unit.layer));
  for (const unit of units) unit.layer -= top;
}

function thread(edge, units, put) { // a long edge goes through a point in each layer between
  const [a, b] = [units[edge.a], units[edge.b]];
  edge.points = [];
  edge.far = b.layer - a.layer > REACH;
  let before = a;
  for (let layer = a.layer + 1; layer < b.layer && !edge.far; layer++) {
    const point = { layer, width: 6, height: 0, up: [before], down: [], x: 0 };
    before.down.push(point);
    put(point);
    edge.points.push(point);
    before = point;
  }
  if (!edge.far) { before.down.push(b); b.up.push(before); }
}

function order(layers) {
  const rank = () => layers.forEach((layer) => layer.forEach((thing, k) => { thing.rank = k; }));
  rank();
  for (let pass = 0; pass < 8; pass++) {
    const down = pass % 2 === 0;
    for (const layer of down ? layers : [...layers].reverse()) {
      for (const thing of layer) {
        const near = down ? thing.up : thing.down;
        thing.key = near.length ? near.reduce((sum, n) => sum + n.rank, 0) / near.length : thing.rank;
      }
      layer.sort((p, q) => p.key - q.key);
      layer.forEach((thing, k) => { thing.rank = k; });
    }
  }
}

function place(layers) {
  for (const layer of layers) spread(layer, layer.map((_, k) => k * 60));
  for (let pass = 0; pass < 8; pass++) {
    const down = pass % 2 === 0;
    for (const layer of down ? layers : [...layers].reverse()) {
      spread(layer, layer.map((thing) => {
        const near = pass < 6 ? (down ? thing.up : thing.down) : [...thing.up, ...thing.down];
        return near.length ? near.reduce((sum, n) => sum + n.x, 0) / near.length : thing.x;
      }));
    }
  }
  const left = Math.min(...layers.flat().map((thing) => thing.x - thing.width / 2));
  layers.forEach((layer, k) => layer.forEach((thing) => {
    thing.x += 16 - left;
    thing.y = 16 + k * ROW;
  }));
}

function spread(layer, wanted) {
  // The places nearest to those wanted (least squares) that keep the order and the gaps:
  // isotonic regression, by pooling neighbours that would overlap.
  const offsets = [];
  layer.forEach((thing, k) => {
    offsets.push(k ? offsets[k - 1] + (layer[k - 1].width + thing.width) / 2 + GAP : 0);
  });
  const pools = [];
  wanted.forEach((x, k) => {
    pools.push({ sum: x - offsets[k], n: 1 });
    while (pools.length > 1 && pools.at(-2).sum / pools.at(-2).n > pools.at(-1).sum / pools.at(-1).n) {
      const { sum, n } = pools.pop();
      pools.at(-1).sum += sum; pools.at(-1).n += n;
    }
  });
  let k = 0;
  for (const { sum, n } of pools) {
    for (let j = 0; j < n; j++, k++) layer[k].x = sum / n + offsets[k];
  }
}

// ---- the picture --------------------------------------------------------------------------

let drawing = null, zoom = 1, now = 0, timer = null;

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
  rescale();
}

function rescale() {
  drawing.svg.setAttribute("width", drawing.width * zoom);
  drawing.svg.setAttribute("height", drawing.height * zoom);
}

function curve(edge, units) {
  const [a, b] = [units[edge.a], units[edge.b]];
  const stops = [[a.x, a.y + a.height], ...edge.points.map((p) => [p.x, p.y + 30]), [b.x, b.y]];
  let d = `M${stops[0]}`;
  for (let k = 1; k < stops.length; k++) {
    const [[x0, y0], [x1, y1]] = [stops[k - 1], stops[k]];
    const bend = (y1 - y0) * 0.45;
    d += `C${x0} ${y0 + bend} ${x1} ${y1 - bend} ${x1} ${y1}`;
  }
  return d;
}

function box(unit, isResult) {
  const role = unit.isFold ? "fold" : parts[unit.item].role;
  const left = unit.x - unit.width / 2;
  const group = make("g", { class: `unit ${role}${isResult ? " result" : ""}` });
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
    if (unit.isFold) toggle(unit.item, true); else visit(unit.item);
  });
  unit.element = group;
  return group;
}

// ---- the table and the code ---------------------------------------------------------------

let rows = []; // { v, row, value, grad }

function tabulate() {
  rows = [];
  const body = [];
  for (const item of visible(tree)) {
    if (typeof item !== "number") { body.push(foldRow(item)); continue; }
    const part = parts[item];
    if (!part.makes.length) {
      const row = make("tr", {}, make("td", { colspan: 4 }, jump(item, part.text)));
      rows.push({ part: item, row });
      body.push(row);
    }
    part.makes.forEach((v, k) => {
      const name = make("th", { scope: "row" }, jump(item, values[v].name));
      const how = part.role === "input" ? "input" : part.text.slice(part.text.indexOf(" = ") + 3);
      const value = make("td", { class: "value" }), grad = make("td", { class: "grad" });
      const row = make("tr", { "data-name": values[v].name }, name,
        make("td", { title: values[v].kind }, k ? "〃" : how), value, grad);
      rows.push({ part: item, v, row, value, grad });
      body.push(row);
    });
  }
  $("rows").replaceChildren(...body);
}

function jump(part, text) {
  const button = make("button", { "aria-label": `Go to ${text}` }, text);
  button.addEventListener("click", () => visit(part));
  return button;
}

function foldRow(fold) {
  const depth = (function count(f) { return f ? 1 + count(f.above) : 0; })(fold.above);
  const button = make("button", { "aria-expanded": String(fold.open), "data-fold": fold.id },
    `${fold.open ? "▾" : "▸"} ${headline(fold)}`);
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
      pre.append(make("span", { class: "codeline", id: `line-${k}-${j}` }, number, line || " "));
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
  $("slider").setAttribute("aria-valuetext", frame.say);
  $("count").textContent = `${now} / ${LAST}`;
  // Not `disabled`: a button that a person has just pressed would lose the focus.
  for (const id of ["first", "back"]) $(id).setAttribute("aria-disabled", now === 0);
  for (const id of ["forward", "last"]) $(id).setAttribute("aria-disabled", now === LAST);
  detail(frame);
  light(frame, back);
  fillTable(frame);
  lightCode(frame);
}

function detail(frame) {
  const items = [];
  const add = (name, text) => items.push(make("dt", {}, name), make("dd", {}, text));
  for (const [v, , exact] of frame.sets || []) add(values[v].name, exact);
  for (const [v, how, gets, , exact] of frame.grads || []) {
    const name = `d_${values[v].name}`;
    if (how) add(`${name} +=`, `${how}\n= ${gets}`);
    add(how ? `${name} so far` : name, exact);
  }
  if (now === LAST && run.why) add("No backward pass:", run.why);
  $("detail").replaceChildren(...items);
  const title = frame.part != null && parts[frame.part].role === "step" ? parts[frame.part].title : null;
  $("rule-box").hidden = title === null;
  $("where").textContent = title === null ? "" : `Here ${parts[frame.part].where}.`;
  for (const rule of $("rules").children) rule.hidden = rule.dataset.rule !== title;
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
  const fold = unit.item;
  const total = fold.last - fold.first + 1;
  let done = 0, back = 0;
  for (let k = fold.first; k <= fold.last; k++) {
    done += framesOf[k].forward <= now;
    back += framesOf[k].backward !== null && framesOf[k].backward <= now;
  }
  cls.toggle("known", done > 0);
  cls.toggle("moved", back > 0);
  const inside = part === null ? null : Math.floor((part - fold.first) / fold.period) + 1;
  const where = inside && fold.times ? `${inside} of ${fold.times}: ${parts[part].text}` : part !== null ? parts[part].text : `${done} of ${total} done`;
  const room = Math.floor((unit.width - 12) / 7.3);
  unit.texts[1].textContent = cut(where, room);
  unit.texts[2].textContent = back ? cut(`∂ ${back} of ${total} done`, room) : "";
  unit.title.textContent = `${headline(fold)}: click to open`;
}

function fillTable(frame) {
  const got = new Set((frame.grads || []).map(([v]) => v));
  let current = null;
  for (const { part, v, row, value, grad } of rows) {
    const here = frame.part === part;
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

// Only the box itself is scrolled, never the page under the reader.
function scrollInto(frame, element) {
  const [outer, inner] = [frame.getBoundingClientRect(), element.getBoundingClientRect()];
  if (inner.top < outer.top + 34) frame.scrollTop += inner.top - outer.top - outer.height / 3;
  else if (inner.bottom > outer.bottom) frame.scrollTop += inner.bottom - outer.bottom + outer.height / 3;
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
  $("play").textContent = "▶︎▶︎";
  $("play").setAttribute("aria-label", "Play");
  $("say").setAttribute("aria-live", "polite");
}

function play() {
  if (timer) { stop(); return; }
  if (now === LAST) show(0);
  $("say").setAttribute("aria-live", "off"); // it would talk without end
  $("play").textContent = "❚❚";
  $("play").setAttribute("aria-label", "Pause");
  timer = setInterval(() => { if (now < LAST) show(now + 1); else stop(); }, 900);
}

const go = (t) => { stop(); show(t); };
const keys = {
  ArrowLeft: () => go(now - 1), ArrowRight: () => go(now + 1),
  Home: () => go(0), End: () => go(LAST), " ": play,
};
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey || !keys[event.key]) return;
  if (event.key === " " && event.target.closest("button")) return; // it presses the button
  event.preventDefault();
  keys[event.key]();
});
$("first").addEventListener("click", () => go(0));
$("back").addEventListener("click", () => go(now - 1));
$("forward").addEventListener("click", () => go(now + 1));
$("last").addEventListener("click", () => go(LAST));
$("play").addEventListener("click", play);
$("slider").addEventListener("input", (event) => go(Number(event.target.value)));
$("fold").addEventListener("click", () => setFolds(false));
$("unfold").addEventListener("click", () => setFolds(true));
for (const [id, factor] of [["smaller", 1 / 1.2], ["larger", 1.2]]) {
  $(id).addEventListener("click", () => {
    zoom = Math.max(0.2, Math.min(3, zoom * factor));
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
$("fold").hidden = $("unfold").hidden = !folds.length;
list();
redraw();
follow();
