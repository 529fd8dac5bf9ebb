// Where the boxes are: layers, their order in them, and places.

const wide = (text) => [...text].length * 7.3;
const ROW = 92, GAP = 18, REACH = 6, WIDEST = 7, CROWD = 5, MANY = 8;

function layout() {
  const units = [], number = new Map(), bundle = bundles();
  for (const each of visible(tree).filter((item) => typeof item === "number" || !item.open)) {
    const item = bundle.get(each) ?? each;
    if (number.has(item)) continue;
    number.set(item, units.length);
    units.push(unitData(item));
  }
  const home = parts.map((_, k) => number.get(bundle.get(k) ?? unitOf(k)));
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

const readersOf = parts.map(() => new Set());
parts.forEach((part, k) => part.reads.forEach((v) => readersOf[makerOf[v]].add(k)));

function bundles() { // inputs that only one box reads, if they are many, are one box too
  const of = new Map();
  for (const k of inputs) {
    const readers = new Set([...readersOf[k]].map(unitOf));
    if (readers.size !== 1) continue;
    const [reader] = readers;
    if (!of.has(reader)) of.set(reader, []);
    of.get(reader).push(k);
  }
  const bundle = new Map();
  for (const members of of.values()) {
    if (members.length < MANY) continue;
    const item = { name: `${members.length} inputs`, items: members, parts: members, makes: [], inputs: true };
    for (const k of members) bundle.set(k, item);
  }
  return bundle;
}

const ends = (bundle) => `${parts[bundle.parts[0]].text} … ${parts[bundle.parts.at(-1)].text}`;

function unitData(item) {
  const isFold = typeof item !== "number";
  const text = isFold ? item.name : parts[item].text;
  const made = isFold ? item.makes : parts[item].makes;
  const role = item.inputs ? "input" : isFold ? "fold" : parts[item].role;
  const spare = item.inputs ? [ends(item)] : isFold ? ["n".repeat(22)] : [];
  const longest = [text, ...spare, ...made.flatMap((v) => [story[v].brief, ...story[v].grads.map((g) => "∂ " + g.brief)])];
  const width = Math.max(84, Math.min(236, Math.max(...longest.map(wide)) + 20));
  return { item, isFold, role, text, width, height: 60, from: [], to: [], up: [], down: [], x: 0, weight: 1 };
}

function setLayers(units) {
  // Each below all that it reads, but no layer wider than the eye takes in.
  const count = new Map(), fill = (unit, layer) => { unit.layer = layer; count.set(layer, (count.get(layer) || 0) + 1); };
  const full = (layer) => (count.get(layer) || 0) >= WIDEST;
  const isInput = (unit) => unit.role === "input";
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
    if (unit.to.length === 1) unit.weight = 0.02; // what computes stays in line, inputs make way
  }
  const top = Math.min(0, ...units.map((unit) => unit.layer));
  for (const unit of units) unit.layer -= top;
}

function thread(edge, units, put) { // a long edge goes through a point in each layer between
  const [a, b] = [units[edge.a], units[edge.b]];
  edge.points = [];
  const common = a.role === "input" && a.to.length >= CROWD; // what all turns of a loop read, say
  edge.far = b.layer - a.layer > (common ? 1 : REACH);
  let before = a;
  for (let layer = a.layer + 1; layer < b.layer && !edge.far; layer++) {
    const point = { layer, width: 6, height: 0, up: [before], down: [], x: 0, weight: 1 };
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

const middle = (things) => things.reduce((sum, n) => sum + n.x * n.weight, 0) / things.reduce((sum, n) => sum + n.weight, 0);

function place(layers) {
  for (const layer of layers) spread(layer, layer.map((_, k) => k * 60));
  for (let pass = 0; pass < 12; pass++) {
    const down = pass % 2 === 0;
    for (const layer of down ? layers : [...layers].reverse()) {
      spread(layer, layer.map((thing) => {
        const near = pass < 10 ? (down ? thing.up : thing.down) : [...thing.up, ...thing.down];
        return near.length ? middle(near) : thing.x;
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
  // The places nearest to those wanted (weighted least squares) that keep the order and the gaps:
  // isotonic regression, by pooling neighbours that would overlap.
  const offsets = [];
  layer.forEach((thing, k) => {
    offsets.push(k ? offsets[k - 1] + (layer[k - 1].width + thing.width) / 2 + GAP : 0);
  });
  const pools = [];
  wanted.forEach((x, k) => {
    const { weight } = layer[k];
    pools.push({ sum: (x - offsets[k]) * weight, weight, n: 1 });
    while (pools.length > 1 && pools.at(-2).sum / pools.at(-2).weight > pools.at(-1).sum / pools.at(-1).weight) {
      const { sum, weight, n } = pools.pop();
      pools.at(-1).sum += sum; pools.at(-1).weight += weight; pools.at(-1).n += n;
    }
  });
  let k = 0;
  for (const { sum, weight, n } of pools) {
    for (let j = 0; j < n; j++, k++) layer[k].x = sum / weight + offsets[k];
  }
}

