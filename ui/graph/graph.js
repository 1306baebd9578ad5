// The citation graph: a year axis, papers as marks, citations as arrows, on one canvas.
//
// Streamlit calls the default export for every new `data` or theme and cleans up only when the component goes, so all
// listeners, timers and frames belong to one View per mount. Titles and ids are text: only `textContent`, `dataset`
// and the canvas ever see them.

const AXIS = 26; // height of the year strip, px
const MARGIN = { left: 62, right: 62, top: AXIS + 22, bottom: 34 };
const ZOOM = { min: 0.06, fit: 2.6, max: 5 };
const REST_MS = 160;
const SEND_MS = 240; // a second click within this time makes it a double one
const WAIT_MS = 4000;
const DRAG_PX = 4;
const SVG = "http://www.w3.org/2000/svg";

const STYLE = `
:host { display: block; }
.graph { font-family: var(--st-font); color: var(--st-text-color); position: relative; }
.stage { position: relative; overflow: hidden; border: 1px solid var(--st-border-color); border-radius: var(--st-base-radius);
  background: var(--st-background-color); }
canvas { display: block; width: 100%; height: 100%; cursor: grab; touch-action: none; outline: none;
  border-radius: var(--st-base-radius); }
canvas.dragging { cursor: grabbing; }
canvas.over { cursor: pointer; }
canvas:focus-visible { outline: 2px solid var(--st-primary-color); outline-offset: -3px; }
.foot { display: flex; align-items: flex-start; gap: 14px; margin-top: 7px; }
.tools { flex: none; display: flex; gap: 5px; }
.tools button { width: 30px; height: 30px; padding: 0; display: grid; place-items: center; cursor: pointer;
  color: var(--st-text-color); background: var(--st-background-color); border: 1px solid var(--st-border-color);
  border-radius: var(--st-base-radius); }
.tools button:hover { border-color: var(--st-primary-color); color: var(--st-primary-color); }
.tools button:focus-visible { outline: 2px solid var(--st-primary-color); outline-offset: 1px; }
.tools svg { width: 16px; height: 16px; stroke: currentColor; fill: none; stroke-width: 1.7; stroke-linecap: round; }
.tip { position: absolute; left: 0; top: 0; max-width: min(290px, 80%); padding: 8px 11px; pointer-events: none;
  font-size: 13px; line-height: 1.38; background: var(--st-background-color); border: 1px solid var(--st-border-color);
  border-radius: var(--st-base-radius); box-shadow: 0 4px 16px rgba(0, 0, 0, .16); overflow-wrap: anywhere; }
.tip[hidden] { display: none; }
.tip b { display: -webkit-box; -webkit-line-clamp: 4; -webkit-box-orient: vertical; overflow: hidden; font-weight: 620; }
.tip span { display: block; opacity: .78; }
.legend { display: flex; flex-wrap: wrap; gap: 3px 15px; margin: 4px 2px; padding: 0; list-style: none; flex: 1;
  font-size: 12.5px; line-height: 1.5; }
.legend li { display: inline-flex; align-items: center; gap: 6px; margin: 0; }
.legend li.name { opacity: .72; margin-right: -7px; }
.legend svg { flex: none; overflow: visible; }
.aside { position: absolute; width: 1px; height: 1px; margin: -1px; padding: 0; overflow: hidden; clip-path: inset(50%);
  white-space: nowrap; border: 0; }
`;

const views = new WeakMap();

export default function ({ data, parentElement, setTriggerValue }) {
  let view = views.get(parentElement);
  if (!view) {
    view = new View(parentElement);
    views.set(parentElement, view);
  }
  view.update(data, setTriggerValue);
  return () => {
    view.destroy();
    if (views.get(parentElement) === view) views.delete(parentElement);
  };
}

function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

function drawing(width, height, ...shapes) {
  const svg = document.createElementNS(SVG, "svg");
  const box = { width, height, viewBox: `0 0 ${width} ${height}`, "aria-hidden": "true" };
  for (const [name, value] of Object.entries(box)) svg.setAttribute(name, value);
  for (const [tag, attributes] of shapes) {
    const shape = document.createElementNS(SVG, tag);
    for (const [name, value] of Object.entries(attributes)) shape.setAttribute(name, value);
    svg.append(shape);
  }
  return svg;
}

const clamp = (value, low, high) => Math.min(high, Math.max(low, value));
const radius = (node) => (node.include === "stub" ? 3 : Math.min(17, 4.5 + 1.05 * Math.sqrt(node.cited)));

// The middle of a curve, as a place for its head where many curves end at one paper.
function halfway({ x1, y1, mx, my, x2, y2 }) {
  const length = Math.hypot(x2 - x1, y2 - y1) || 1;
  const [ux, uy] = [(x2 - x1) / length, (y2 - y1) / length];
  return { x2: (x1 + 2 * mx + x2) / 4 + ux * 3, y2: (y1 + 2 * my + y2) / 4 + uy * 3, ux, uy };
}

// The outline of a mark; shapes of one radius have about the same area.
function outline(context, shape, x, y, r) {
  context.beginPath();
  if (shape === "square") context.rect(x - r * 0.89, y - r * 0.89, r * 1.78, r * 1.78);
  else if (shape === "diamond") {
    context.moveTo(x, y - r * 1.25);
    context.lineTo(x + r * 1.25, y);
    context.lineTo(x, y + r * 1.25);
    context.lineTo(x - r * 1.25, y);
    context.closePath();
  } else context.arc(x, y, r, 0, 2 * Math.PI);
}

class View {
  constructor(parent) {
    this.stop = new AbortController();
    this.camera = { x: 0, y: 0, kx: 1, ky: 1 };
    this.pointers = new Map();
    this.widths = new Map();
    this.nodes = [];
    this.links = [];
    this.hover = null;
    this.selected = null;
    this.expanding = null;
    this.touched = false;
    this.frames = 0;
    this.born = performance.now();
    this.width = 0;
    this.height = 0;
    this.build(parent);
    this.listen();
  }

  build(parent) {
    const plus = [["path", { d: "M8 3v10M3 8h10" }]];
    const minus = [["path", { d: "M3 8h10" }]];
    const whole = [["path", { d: "M2 6V2h4M10 2h4v4M14 10v4h-4M6 14H2v-4" }]];
    const button = (shapes) => element("button", { type: "button" }, drawing(16, 16, ...shapes));
    this.buttons = { zoom_in: button(plus), zoom_out: button(minus), fit: button(whole) };
    this.tools = element("div", { class: "tools", role: "group" }, ...Object.values(this.buttons));
    this.canvas = element("canvas", { tabindex: "0", role: "application", "aria-describedby": "help" });
    this.tip = element("div", { class: "tip", hidden: "", "aria-hidden": "true" });
    this.stage = element("div", { class: "stage" }, this.canvas, this.tip);
    this.legend = element("ul", { class: "legend" });
    const foot = element("div", { class: "foot" }, this.legend, this.tools);
    this.help = element("p", { id: "help", class: "aside" });
    this.live = element("p", { class: "aside", "aria-live": "polite" });
    this.list = element("ul", { class: "aside" });
    const style = element("style");
    style.textContent = STYLE;
    this.root = element("div", { class: "graph" }, style, this.stage, foot, this.help, this.live, this.list);
    parent.append(this.root);
    this.context = this.canvas.getContext("2d");
  }

  listen() {
    const on = (target, name, act, options = {}) =>
      target.addEventListener(name, act, { signal: this.stop.signal, ...options });
    on(this.canvas, "pointerdown", (event) => this.press(event));
    on(this.canvas, "pointermove", (event) => this.move(event));
    on(this.canvas, "pointerup", (event) => this.release(event, true));
    on(this.canvas, "pointercancel", (event) => this.release(event, false));
    on(this.canvas, "pointerleave", () => this.setHover(null));
    on(this.canvas, "wheel", (event) => this.wheel(event), { passive: false });
    on(this.canvas, "keydown", (event) => this.key(event));
    on(this.canvas, "blur", () => this.setHover(null));
    on(this.buttons.zoom_in, "click", () => this.zoom(1.35));
    on(this.buttons.zoom_out, "click", () => this.zoom(1 / 1.35));
    on(this.buttons.fit, "click", () => this.fit(true));
    for (const name of ["click", "dblclick", "focusin", "focusout"]) on(this.list, name, (event) => this.listed(event));
    this.sizes = new ResizeObserver(() => this.resize());
    this.sizes.observe(this.stage);
    this.still = matchMedia("(prefers-reduced-motion: reduce)");
    this.watchDensity();
  }

  // A window dragged to a screen of another density fires nothing else.
  watchDensity() {
    const query = matchMedia(`(resolution: ${devicePixelRatio}dppx)`);
    const changed = () => {
      this.resize();
      this.watchDensity();
    };
    query.addEventListener("change", changed, { once: true, signal: this.stop.signal });
  }

  destroy() {
    this.stop.abort();
    this.sizes.disconnect();
    cancelAnimationFrame(this.frame);
    for (const timer of [this.sending, this.resting, this.waiting]) clearTimeout(timer);
    this.root.remove();
  }

  // What Python sends

  update(data, send) {
    const before = this.data;
    const chosen = this.sending && this.selected !== null ? this.nodes[this.selected].id : undefined;
    const listed = this.nodes.map((node) => node.id).join("\n");
    this.data = data;
    this.send = send;
    this.nodes = data.nodes;
    this.at = new Map(this.nodes.map((node, number) => [node.id, number]));
    this.links = data.links.map(([from, to, younger, path]) => ({ from, to, younger, path }));
    this.near = this.nodes.map(() => new Set());
    for (const { from, to } of this.links) {
      this.near[from].add(to);
      this.near[to].add(from);
    }
    this.seeds = new Set(data.seeds);
    this.ranked = this.nodes.map((_, n) => n).sort((a, b) => this.nodes[b].cited - this.nodes[a].cited || a - b);
    this.hover = null;
    this.expanded();
    this.tip.hidden = true;
    this.selected = chosen === undefined ? data.selected : (this.at.get(chosen) ?? data.selected);
    this.readTheme();
    this.write(listed !== this.nodes.map((node) => node.id).join("\n"));
    this.stage.style.height = `${data.height}px`;
    const ids = (of) => of.seeds.map((n) => of.nodes[n].id).join("\n");
    if (!before || before.story !== data.story) {
      this.touched = false;
      this.fitted = false;
    } else if (!this.touched && ids(before) === ids(data) && before.nodes.length !== data.nodes.length) this.fit(true);
    this.resize();
  }

  readTheme() {
    const style = getComputedStyle(this.root);
    const read = (name) => style.getPropertyValue(name).trim();
    const font = read("--st-font") || "sans-serif";
    if (font !== this.theme?.font) this.widths.clear();
    this.theme = {
      font,
      ground: read("--st-background-color") || "#fff",
      text: read("--st-text-color") || "#222",
      primary: read("--st-primary-color") || "#06c",
      band: read("--st-secondary-background-color") || "#eee",
      line: read("--st-border-color") || "#ccc",
    };
  }

  write(changed) {
    const strings = this.data.strings;
    this.canvas.setAttribute("aria-label", strings.label);
    this.tools.setAttribute("aria-label", strings.tools);
    this.list.setAttribute("aria-label", strings.list);
    this.legend.setAttribute("aria-label", strings.legend);
    this.help.textContent = strings.help;
    for (const [name, button] of Object.entries(this.buttons)) {
      button.setAttribute("aria-label", strings[name]);
      button.title = strings[name];
    }
    if (changed || this.list.childElementCount !== this.nodes.length) {
      this.list.replaceChildren(...this.nodes.map((node) => {
        // out of the tab order: hundreds of stops would bar the way; arrow keys on the canvas reach every paper
        const button = element("button", { type: "button", tabindex: "-1" });
        button.dataset.id = node.id;
        button.textContent = [this.title(node), ...this.facts(node)].join(", ");
        return element("li", {}, button);
      }));
    }
    this.markListed();
    this.writeLegend();
  }

  markListed() {
    [...this.list.children].forEach((item, n) => {
      item.firstChild.setAttribute("aria-pressed", String(n === this.selected));
    });
  }

  title(node) {
    return node.title ?? `${this.data.strings.untitled} (${node.id})`;
  }

  count(name, n) {
    const strings = this.data.strings;
    return n === 1 ? strings[`${name}.one`] : strings[name].replace("{n}", n);
  }

  facts(node) {
    const { strings } = this.data;
    const type = node.kind === "none" || node.kind === "unknown" ? [] : [strings[node.kind]];
    return [node.author, node.year ?? strings.undated, ...type, strings[node.include],
      this.count("cited_by_n", node.cited), this.count("references_n", node.references)].filter((fact) => fact != null);
  }

  writeLegend() {
    const { strings, kinds, colours } = this.data;
    const item = (text, ...picture) => element("li", {}, ...picture, document.createTextNode(text));
    const name = item(strings.type);
    name.className = "name";
    const shown = Object.keys(kinds).filter((kind) => this.nodes.some((node) => node.kind === kind));
    const mark = (kind) => {
      const [colour, shape] = kinds[kind];
      const filled = { fill: colour };
      const hollow = { fill: "none", stroke: colour, "stroke-width": 1.8 };
      if (shape === "square") return ["rect", { x: 2, y: 2, width: 10, height: 10, ...filled }];
      if (shape === "diamond") return ["path", { d: "M7 .5 13.5 7 7 13.5 .5 7Z", ...filled }];
      const round = { cx: 7, cy: 7, r: shape === "circle" ? 6 : 5 };
      if (shape === "dashed") return ["circle", { ...round, ...hollow, "stroke-dasharray": "2.4 2" }];
      return ["circle", { ...round, ...(shape === "ring" ? hollow : filled) }];
    };
    const arrow = (colour, filled, more = {}) => drawing(30, 10,
      ["path", { d: "M1 5h21", stroke: colour, "stroke-width": 2, fill: "none", ...more }],
      ["path", { d: "M21 1 29 5 21 9Z", stroke: colour, "stroke-width": 1.3, fill: filled ? colour : this.theme.ground }]);
    const items = [name, ...shown.map((kind) => item(strings[kind], drawing(14, 14, mark(kind))))];
    if (this.nodes.some((node) => node.include !== "include")) {
      items.push(item(strings.context, drawing(14, 14, ["circle", { cx: 7, cy: 7, r: 6, fill: this.theme.text, opacity: 0.3 }])));
    }
    items.push(item(strings.seed, drawing(16, 16,
      ["circle", { cx: 8, cy: 8, r: 4, fill: this.theme.text, opacity: 0.6 }],
      ["circle", { cx: 8, cy: 8, r: 7, fill: "none", stroke: this.theme.text, "stroke-width": 1.4 }])));
    items.push(item(strings.cites, arrow(colours.cites, true)), item(strings.cited_by, arrow(colours.citedBy, false)));
    if (this.links.some((link) => link.younger)) {
      items.push(item(strings.younger, drawing(30, 10,
        ["path", { d: "M1 5h28", stroke: this.theme.text, opacity: 0.6, "stroke-width": 1.6, "stroke-dasharray": "5 4" }])));
    }
    if (this.links.some((link) => link.path)) {
      items.push(item(strings.path, drawing(30, 10, ["path", { d: "M1 5h28", stroke: colours.path, "stroke-width": 4 }])));
    }
    items.push(item(strings.size, drawing(22, 14,
      ["circle", { cx: 4, cy: 8, r: 3, fill: this.theme.text, opacity: 0.45 }],
      ["circle", { cx: 15, cy: 7, r: 6.5, fill: this.theme.text, opacity: 0.45 }])));
    this.legend.replaceChildren(...items);
  }

  // Camera

  resize() {
    const { clientWidth, clientHeight } = this.stage;
    if (!clientWidth || !clientHeight || !this.data) return;
    const density = devicePixelRatio || 1;
    const changed = clientWidth !== this.width || clientHeight !== this.height;
    this.width = clientWidth;
    this.height = clientHeight;
    const wanted = [Math.round(clientWidth * density), Math.round(clientHeight * density)];
    if (this.canvas.width !== wanted[0] || this.canvas.height !== wanted[1]) [this.canvas.width, this.canvas.height] = wanted;
    if (!this.fitted || (changed && !this.touched)) this.fit(false);
    this.request();
  }

  screen(node) {
    const { x, y, kx, ky } = this.camera;
    return [(node.x - x) * kx + this.width / 2, (node.y - y) * ky + (this.height + AXIS) / 2];
  }

  fit(moving) {
    this.touched = false;
    if (!this.nodes.length || !this.width) return;
    this.fitted = true;
    const xs = this.nodes.map((node) => node.x);
    const ys = this.nodes.map((node) => node.y);
    const [left, right, top, bottom] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
    let kx = (this.width - MARGIN.left - MARGIN.right) / Math.max(right - left, 1);
    let ky = (this.height - MARGIN.top - MARGIN.bottom) / Math.max(bottom - top, 1);
    kx = clamp(Math.min(kx, ky * 1.9), ZOOM.min, ZOOM.fit);
    ky = clamp(Math.min(ky, kx * 2.6), ZOOM.min, ZOOM.fit);
    const shift = (MARGIN.top - AXIS - MARGIN.bottom) / 2 / ky;
    this.fly({ x: (left + right) / 2, y: (top + bottom) / 2 - shift, kx, ky }, moving);
  }

  fly(to, moving) {
    if (!moving || this.still.matches) {
      this.tween = null;
      this.camera = to;
    } else this.tween = { from: { ...this.camera }, to, start: performance.now(), time: 220 };
    this.request();
  }

  zoom(factor, x = this.width / 2, y = (this.height + AXIS) / 2, moving = true) {
    const from = this.tween ? this.tween.to : this.camera;
    const small = Math.min(from.kx, from.ky);
    const by = clamp(factor, ZOOM.min / small, ZOOM.max / small);
    const to = { kx: from.kx * by, ky: from.ky * by };
    const [dx, dy] = [x - this.width / 2, y - (this.height + AXIS) / 2];
    to.x = from.x + dx / from.kx - dx / to.kx;
    to.y = from.y + dy / from.ky - dy / to.ky;
    this.touched = true;
    this.fly(to, moving);
  }

  pan(dx, dy) {
    this.tween = null;
    this.camera.x -= dx / this.camera.kx;
    this.camera.y -= dy / this.camera.ky;
    this.touched = true;
    this.request();
  }

  show(node) {
    const [x, y] = this.screen(node);
    const dx = x - clamp(x, MARGIN.left, this.width - MARGIN.right);
    const dy = y - clamp(y, MARGIN.top, this.height - MARGIN.bottom);
    if (dx || dy) this.fly({ ...this.camera, x: this.camera.x + dx / this.camera.kx, y: this.camera.y + dy / this.camera.ky }, true);
  }

  // What a person does

  place(event) {
    const box = this.canvas.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  }

  hit(x, y) {
    if (y < AXIS) return null;
    let best = null;
    let least = Infinity;
    this.nodes.forEach((node, n) => {
      const [nx, ny] = this.screen(node);
      const far = Math.hypot(nx - x, ny - y) - this.size(node);
      if (far < 6 && far < least) [best, least] = [n, far];
    });
    return best;
  }

  press(event) {
    if (event.button) return;
    this.canvas.setPointerCapture(event.pointerId);
    this.pointers.set(event.pointerId, this.place(event));
    if (this.pointers.size === 1) this.dragged = 0;
  }

  move(event) {
    const [x, y] = this.place(event);
    const last = this.pointers.get(event.pointerId);
    if (!last) {
      if (event.pointerType !== "touch") this.setHover(this.hit(x, y));
      return;
    }
    const others = [...this.pointers].filter(([id]) => id !== event.pointerId);
    if (others.length) {
      const [ox, oy] = others[0][1];
      const span = Math.hypot(last[0] - ox, last[1] - oy) || 1;
      this.dragged = DRAG_PX + 1;
      this.pan((x - last[0]) / 2, (y - last[1]) / 2);
      this.zoom(Math.hypot(x - ox, y - oy) / span, (x + ox) / 2, (y + oy) / 2, false);
    } else {
      this.dragged += Math.hypot(x - last[0], y - last[1]);
      if (this.dragged <= DRAG_PX) return; // keep the start, so that nothing of the way is lost
      this.canvas.classList.add("dragging");
      this.setHover(null);
      this.pan(x - last[0], y - last[1]);
    }
    this.pointers.set(event.pointerId, [x, y]);
  }

  release(event, meant) {
    const held = this.pointers.delete(event.pointerId);
    if (this.pointers.size) return;
    this.canvas.classList.remove("dragging");
    if (!held || !meant || this.dragged > DRAG_PX) return;
    const found = this.hit(...this.place(event));
    const twice = found !== null && found === this.last?.found && event.timeStamp - this.last.time < 420;
    this.last = twice ? null : { found, time: event.timeStamp };
    if (twice) this.expand(found);
    else if (found !== null || this.selected !== null) this.select(found);
  }

  wheel(event) {
    event.preventDefault();
    const lines = event.deltaMode === 1 ? 16 : event.deltaMode === 2 ? this.height : 1;
    const delta = clamp(event.deltaY * lines, -240, 240);
    this.zoom(Math.exp(-delta * (event.ctrlKey ? 0.01 : 0.0016)), ...this.place(event), false);
  }

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const arrows = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    const [dx, dy] = arrows[event.key] ?? [0, 0];
    if (dx || dy) event.shiftKey ? this.pan(-60 * dx, -60 * dy) : this.step(dx, dy);
    else if (event.key === "Enter" || event.key === "e" || event.key === "E") this.expand(this.selected ?? this.data.seeds[0]);
    else if (event.key === "Escape") this.select(null);
    else if (event.key === "f" || event.key === "F") this.fit(true);
    else if (event.key === "+" || event.key === "=") this.zoom(1.35);
    else if (event.key === "-") this.zoom(1 / 1.35);
    else return;
    event.preventDefault();
  }

  // The nearest paper in a direction; sideways counts double, so that a row is followed before it is left.
  step(dx, dy) {
    const from = this.selected;
    if (from === null) {
      if (this.nodes.length) this.select(this.data.seeds[0] ?? 0, true);
      return;
    }
    const [x, y] = this.screen(this.nodes[from]);
    let best = null;
    let least = Infinity;
    this.nodes.forEach((node, n) => {
      const [nx, ny] = this.screen(node);
      const ahead = (nx - x) * dx + (ny - y) * dy;
      const aside = Math.abs((nx - x) * dy) + Math.abs((ny - y) * dx);
      if (n === from || ahead < 1 || aside > 2 * ahead) return;
      const cost = ahead + 2 * aside;
      if (cost < least) [best, least] = [n, cost];
    });
    if (best !== null) this.select(best, true);
  }

  listed(event) {
    const id = event.target.dataset?.id;
    const n = id === undefined ? undefined : this.at.get(id);
    if (n === undefined) return;
    if (event.type === "click") this.select(n, true);
    else if (event.type === "dblclick") this.expand(n);
    else this.setHover(event.type === "focusin" ? n : null);
  }

  setHover(n) {
    if (n === this.hover) return;
    this.hover = n;
    this.canvas.classList.toggle("over", n !== null);
    this.describe(n);
    this.request();
  }

  describe(n) {
    this.tip.hidden = n === null;
    if (n === null) return;
    const node = this.nodes[n];
    const { strings } = this.data;
    const line = (...facts) => {
      const made = element("span");
      made.textContent = facts.filter((fact) => fact != null).join(" · ");
      return made;
    };
    const title = element("b");
    title.textContent = this.title(node);
    const type = node.kind === "none" || node.kind === "unknown" ? null : strings[node.kind];
    this.tip.replaceChildren(title, line(node.author, node.year ?? strings.undated),
      line(strings[node.include], type),
      line(this.count("cited_by_n", node.cited), this.count("references_n", node.references)));
    const [x, y] = this.screen(node);
    const gap = this.size(node) + 12;
    const { offsetWidth: w, offsetHeight: h } = this.tip;
    const [aside, over] = [[x - gap - w, x - w / 2, x + gap], [y - gap - h, y - h / 2, y + gap + 14]];
    const places = over.flatMap((top) => aside.map((left) => [left, top]))
      .filter((_, number) => number !== 4) // not on the paper itself
      .map(([left, top]) => [clamp(left, 4, Math.max(4, this.width - w - 4)), clamp(top, AXIS + 3, Math.max(AXIS + 3, this.height - h - 4))]);
    const linked = [n, ...this.near[n]].map((other) => [...this.screen(this.nodes[other]), other === n || this.seeds.has(other) ? 4 : 1]);
    // the place that hides least of the papers it is linked with
    const hidden = ([left, top]) => linked.reduce((sum, [px, py, weight]) =>
      sum + (px > left - 8 && px < left + w + 8 && py > top - 8 && py < top + h + 8 ? weight : 0), 0);
    const [left, top] = places.reduce((best, place) => (hidden(place) < hidden(best) ? place : best));
    this.tip.style.transform = `translate(${left}px, ${top}px)`;
  }

  select(n, reveal = false) {
    if (n !== this.selected || this.sending) {
      this.selected = n;
      this.markListed();
      clearTimeout(this.sending);
      const id = n === null ? null : this.nodes[n].id;
      this.sending = setTimeout(() => {
        this.sending = 0;
        this.send("selected", { id });
      }, SEND_MS);
    }
    if (n !== null) {
      this.live.textContent = [this.title(this.nodes[n]), ...this.facts(this.nodes[n])].join(", ");
      if (reveal) this.show(this.nodes[n]);
    }
    this.request();
  }

  expand(n) {
    if (n === null || n === undefined) return;
    clearTimeout(this.sending);
    this.sending = 0;
    this.selected = n;
    this.expanding = this.seeds.has(n) ? null : n;
    clearTimeout(this.waiting);
    this.waiting = setTimeout(() => this.expanded(), WAIT_MS);
    this.send("expand", this.nodes[n].id);
    this.request();
  }

  // Python may have nothing to add, and then no new data comes to take the mark away.
  expanded() {
    clearTimeout(this.waiting);
    this.expanding = null;
    this.request();
  }

  // Drawing

  request() {
    this.root.dataset.state = "drawing";
    if (!this.frame) this.frame = requestAnimationFrame((now) => this.tick(now));
  }

  tick(now) {
    this.frame = 0;
    if (this.tween) {
      const { from, to, start, time } = this.tween;
      const part = clamp((now - start) / time, 0, 1);
      const eased = 1 - (1 - part) ** 3;
      for (const name of Object.keys(to)) this.camera[name] = from[name] + (to[name] - from[name]) * eased;
      if (part === 1) this.tween = null;
      else this.request();
    }
    const begun = performance.now();
    this.draw();
    this.frames += 1;
    this.took = performance.now() - begun;
    this.first ??= performance.now() - this.born;
    clearTimeout(this.resting);
    this.resting = setTimeout(() => this.rest(), REST_MS);
  }

  // Where the papers stand, for assistive technology and tests; written when the picture rests, not per frame.
  rest() {
    [...this.list.children].forEach((item, n) => {
      const [x, y] = this.screen(this.nodes[n]);
      item.firstChild.dataset.x = x.toFixed(1);
      item.firstChild.dataset.y = y.toFixed(1);
    });
    this.root.dataset.state = "still";
    this.root.dataset.frames = String(this.frames);
    this.root.dataset.drawMs = this.took.toFixed(1);
    this.root.dataset.firstMs = this.first.toFixed(1);
  }

  scale() {
    return Math.min(this.camera.kx, this.camera.ky);
  }

  size(node) {
    return radius(node) * clamp(this.scale() ** 0.6, 0.45, 1.35);
  }

  draw() {
    if (!this.width) return;
    const c = this.context;
    const density = this.canvas.width / this.width;
    c.setTransform(density, 0, 0, density, 0, 0);
    c.globalAlpha = 1;
    c.fillStyle = this.theme.ground;
    c.fillRect(0, 0, this.width, this.height);
    this.spots = this.nodes.map((node) => [...this.screen(node), this.size(node)]);
    this.active = this.hover ?? this.selected ?? this.data.seeds[0] ?? null;
    this.drawBands();
    this.drawLinks();
    this.drawNodes();
    this.drawLabels();
    this.drawAxis();
  }

  columns() {
    const { kx, x } = this.camera;
    const at = (place) => (place - x) * kx + this.width / 2;
    const years = this.data.bands.map(([first, last, start, end]) => ({
      text: first === last ? String(first) : `${first}–${last}`, short: first === last ? `’${String(first % 100).padStart(2, "0")}` : "…",
      left: at(start), right: at(end), odd: last % 2 }));
    const undated = this.data.undated;
    if (undated) years.unshift({ text: this.data.strings.undated, short: "?", left: at(undated[0]), right: at(undated[1]), odd: 1 });
    return years.filter((column) => column.right > 0 && column.left < this.width);
  }

  drawBands() {
    const c = this.context;
    c.fillStyle = this.theme.band;
    c.globalAlpha = 0.55;
    for (const { left, right, odd } of this.columns()) if (odd) c.fillRect(left, AXIS, right - left, this.height);
    c.globalAlpha = 1;
  }

  drawAxis() {
    const c = this.context;
    c.globalAlpha = 1;
    c.fillStyle = this.theme.ground;
    c.fillRect(0, 0, this.width, AXIS);
    c.strokeStyle = this.theme.line;
    c.lineWidth = 1;
    c.beginPath();
    c.moveTo(0, AXIS - 0.5);
    c.lineTo(this.width, AXIS - 0.5);
    c.fillStyle = this.theme.text;
    c.font = `600 12px ${this.theme.font}`;
    c.textAlign = "center";
    c.textBaseline = "middle";
    let free = -Infinity;
    for (const { text, short, left, right } of this.columns()) {
      c.moveTo(Math.round(left) + 0.5, AXIS - 7);
      c.lineTo(Math.round(left) + 0.5, AXIS);
      for (const shown of [text, short]) {
        const half = c.measureText(shown).width / 2 + 4;
        // the label stays in the visible part of its year
        const middle = clamp((left + right) / 2, Math.min(half, right - half), Math.max(this.width - half, left + half));
        if (middle - half < free || right - left < 2 * half - 12) continue;
        c.fillText(shown, middle, AXIS / 2 - 0.5);
        free = middle + half;
        break;
      }
    }
    c.stroke();
  }

  drawLinks() {
    const c = this.context;
    const { colours } = this.data;
    const many = this.links.length;
    const groups = { plain: [], younger: [], cites: [], citedBy: [], path: [] };
    for (const link of this.links) {
      const curve = this.curve(link);
      if (!curve) continue;
      curve.younger = link.younger;
      const name = link.path ? "path" : link.from === this.active ? "cites" : link.to === this.active ? "citedBy"
        : link.younger ? "younger" : "plain";
      groups[name].push(curve);
    }
    const faint = clamp(3.4 / Math.sqrt(many || 1), 0.05, 0.38) * (this.hover === null ? 1 : 0.35);
    c.strokeStyle = this.theme.text;
    c.fillStyle = this.theme.text;
    c.globalAlpha = faint;
    c.lineWidth = 1;
    this.stroke(groups.plain);
    c.setLineDash([5, 4]);
    this.stroke(groups.younger);
    c.setLineDash([]);
    if (many <= 260 && this.hover === null) for (const curve of [...groups.plain, ...groups.younger]) this.head(curve, 5, true);
    // where hundreds of lines meet, thin ones keep the picture readable and heads would only pile up
    const fan = groups.cites.length + groups.citedBy.length || 1;
    const strong = clamp(6 / Math.sqrt(fan), 0.4, 0.95);
    const thick = clamp(12 / Math.sqrt(fan), 0.9, 1.6);
    const bold = (curves, colour, width, filled) => {
      c.globalAlpha = strong;
      c.strokeStyle = c.fillStyle = colour;
      c.lineWidth = width;
      this.stroke(curves.filter((curve) => !curve.younger));
      c.setLineDash([5, 4]);
      this.stroke(curves.filter((curve) => curve.younger));
      c.setLineDash([]);
      c.globalAlpha = clamp(strong * 1.6, 0, 1);
      const crowded = curves.length > 12 && !filled;
      if (curves.length <= 160) for (const curve of curves) this.head(crowded ? halfway(curve) : curve, width > 2 ? 9 : 7, filled);
      c.globalAlpha = 1;
    };
    bold(groups.citedBy, colours.citedBy, thick, false);
    bold(groups.cites, colours.cites, thick, true);
    bold(groups.path, colours.path, 3.6, true);
    c.globalAlpha = 1;
  }

  // A slightly bowed line from the citing paper to the edge of the cited one; null when it is out of sight.
  curve({ from, to }) {
    const [x1, y1] = this.spots[from];
    const [x2, y2, r] = this.spots[to];
    if (Math.max(x1, x2) < 0 || Math.min(x1, x2) > this.width || Math.max(y1, y2) < 0 || Math.min(y1, y2) > this.height) return null;
    const mx = (x1 + x2) / 2 - (y2 - y1) * 0.1;
    const my = (y1 + y2) / 2 + (x2 - x1) * 0.1;
    const length = Math.hypot(x2 - mx, y2 - my) || 1;
    const [ux, uy] = [(x2 - mx) / length, (y2 - my) / length];
    return { x1, y1, mx, my, ux, uy, x2: x2 - ux * (r + 2), y2: y2 - uy * (r + 2) };
  }

  stroke(curves) {
    const c = this.context;
    c.beginPath();
    for (const { x1, y1, mx, my, x2, y2 } of curves) {
      c.moveTo(x1, y1);
      c.quadraticCurveTo(mx, my, x2, y2);
    }
    c.stroke();
  }

  head({ x2, y2, ux, uy }, size, filled) {
    const c = this.context;
    c.beginPath();
    c.moveTo(x2, y2);
    c.lineTo(x2 - ux * size - uy * size * 0.45, y2 - uy * size + ux * size * 0.45);
    c.lineTo(x2 - ux * size + uy * size * 0.45, y2 - uy * size - ux * size * 0.45);
    c.closePath();
    if (filled) c.fill();
    else {
      const colour = c.fillStyle;
      c.fillStyle = this.theme.ground;
      c.fill();
      c.fillStyle = colour;
      const width = c.lineWidth;
      c.lineWidth = 1.2;
      c.stroke();
      c.lineWidth = width;
    }
  }

  dimmed(n) {
    return this.hover !== null && n !== this.hover && !this.near[this.hover].has(n) && !this.nodes[n].path;
  }

  drawNodes() {
    const c = this.context;
    const ring = (x, y, r, colour, width) => {
      c.strokeStyle = colour;
      c.lineWidth = width;
      c.beginPath();
      c.arc(x, y, r, 0, 2 * Math.PI);
      c.stroke();
    };
    for (let place = this.ranked.length - 1; place >= 0; place -= 1) {
      const n = this.ranked[place];
      const node = this.nodes[n];
      const [x, y, r] = this.spots[n];
      if (x < -40 || x > this.width + 40 || y < -40 || y > this.height + 40) continue;
      const [colour, shape] = this.data.kinds[node.kind];
      const hollow = shape === "ring" || shape === "dashed";
      c.globalAlpha = this.dimmed(n) ? 0.14 : 1;
      outline(c, shape, x, y, r);
      c.fillStyle = this.theme.ground;
      c.strokeStyle = this.theme.ground;
      c.lineWidth = 3;
      c.stroke(); // a moat between mark and lines
      c.fill();
      if (!this.dimmed(n) && node.include !== "include") c.globalAlpha = 0.5;
      c.strokeStyle = colour;
      c.lineWidth = 1.8;
      if (hollow) {
        outline(c, shape, x, y, Math.max(1.5, r - 0.9));
        if (shape === "dashed") c.setLineDash([2.6, 2.2]);
        c.stroke();
        c.setLineDash([]);
      } else {
        c.fillStyle = colour;
        c.fill();
      }
      c.globalAlpha = this.dimmed(n) ? 0.14 : 1;
      const reach = r * (shape === "diamond" || shape === "square" ? 1.25 : 1);
      if (this.seeds.has(n)) ring(x, y, reach + 3.5, this.theme.text, 1.4);
      if (node.path) ring(x, y, reach + 4, this.data.colours.path, 2.6);
      if (n === this.selected) ring(x, y, reach + 5.5, this.theme.primary, 3);
      if (n === this.expanding) {
        c.setLineDash([4, 4]);
        ring(x, y, reach + 10, this.theme.primary, 2);
        c.setLineDash([]);
      }
    }
    c.globalAlpha = 1;
  }

  // Labels that find room, the most important first; each tries below, right, left and above its mark.
  drawLabels() {
    const c = this.context;
    const first = new Set();
    if (this.hover !== null) first.add(this.hover);
    if (this.selected !== null) first.add(this.selected);
    this.seeds.forEach((n) => first.add(n));
    this.nodes.forEach((node, n) => node.path && first.add(n));
    const leading = first.size;
    if (this.hover !== null) this.ranked.forEach((n) => this.near[this.hover].has(n) && first.add(n));
    if (this.scale() > 0.2) this.ranked.forEach((n) => first.add(n));
    const size = clamp(11.5 * Math.sqrt(this.scale() / 0.8), 11, 13);
    const taken = new Boxes();
    this.spots.forEach(([x, y, r], n) => taken.add([x - r, y - r, x + r, y + r], n));
    c.textAlign = "left";
    c.textBaseline = "middle";
    c.lineJoin = "round";
    let place = 0;
    for (const n of first) {
      const bold = place < leading;
      place += 1;
      const [x, y, r] = this.spots[n];
      if (x < 0 || x > this.width || y < AXIS || y > this.height || (this.dimmed(n) && !bold)) continue;
      c.font = `${bold ? 650 : 400} ${size}px ${this.theme.font}`;
      const w = this.measure(this.nodes[n].label, c.font);
      const far = r + (this.seeds.has(n) || n === this.selected ? 9 : 4);
      const spots = [[x - w / 2, y + far + 6], [x + far, y], [x - far - w, y], [x - w / 2, y - far - 6]];
      const fits = spots.find(([left, middle]) => left > 2 && left + w < this.width - 2 && middle + 7 < this.height
        && taken.free([left - 2, middle - 7, left + w + 2, middle + 7], n));
      if (!fits && !bold) continue;
      const [left, middle] = fits ?? spots[0];
      taken.add([left - 2, middle - 7, left + w + 2, middle + 7], -1);
      c.globalAlpha = this.dimmed(n) ? 0.35 : 1;
      c.strokeStyle = this.theme.ground;
      c.lineWidth = 3.5;
      c.strokeText(this.nodes[n].label, left, middle);
      c.fillStyle = this.theme.text;
      c.globalAlpha *= bold || this.hover !== null ? 1 : 0.86;
      c.fillText(this.nodes[n].label, left, middle);
    }
    c.globalAlpha = 1;
  }

  measure(text, font) {
    const name = `${font} ${text}`;
    let width = this.widths.get(name);
    if (width === undefined) {
      if (this.widths.size > 4000) this.widths.clear();
      width = this.context.measureText(text).width;
      this.widths.set(name, width);
    }
    return width;
  }
}

// Rectangles [left, top, right, bottom] in a grid, to ask quickly whether one more finds room.
class Boxes {
  constructor() {
    this.cells = new Map();
  }

  each(box, act) {
    for (let i = Math.floor(box[0] / 64); i <= Math.floor(box[2] / 64); i += 1) {
      for (let j = Math.floor(box[1] / 32); j <= Math.floor(box[3] / 32); j += 1) {
        if (act(i * 4096 + j) === false) return false;
      }
    }
    return true;
  }

  add(box, owner) {
    this.each(box, (cell) => {
      const held = this.cells.get(cell);
      if (held) held.push([box, owner]);
      else this.cells.set(cell, [[box, owner]]);
    });
  }

  free(box, owner) {
    return this.each(box, (cell) => !this.cells.get(cell)?.some(([other, of]) => of !== owner
      && other[0] < box[2] && other[2] > box[0] && other[1] < box[3] && other[3] > box[1]));
  }
}
