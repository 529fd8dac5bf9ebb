"use strict";
// What the page of `to_html` knows: the run, when its values are there, and what is folded.

const $ = (id) => document.getElementById(id);
const run = JSON.parse($("data").textContent);
const { values, parts, frames } = run;
const LAST = frames.length - 1;

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

const folds = []; // each { name, items, makes, parts, above, open }
const above = parts.map(() => null); // the innermost fold of a part

function enter(item, outer) {
  if (typeof item === "number") { above[item] = outer; return item; }
  const fold = { ...item, above: outer, open: false, id: folds.length };
  folds.push(fold);
  fold.items = item.items.map((each) => enter(each, fold));
  fold.parts = fold.items.flatMap(partsOf);
  return fold;
}
const partsOf = (item) => (typeof item === "number" ? [item] : item.parts);
const inputs = parts.flatMap((part, k) => (part.role === "input" ? [k] : []));
const tree = [...inputs, ...run.folds.map((item) => enter(item, null))];

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

