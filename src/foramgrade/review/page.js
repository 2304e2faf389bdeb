"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const $ = (id) => document.getElementById(id);
  const BORDERS = [["superior", "S"], ["posterior", "P"], ["inferior", "I"], ["anterior", "A"]];
  const STATES = ["unknown", "preserved", "thin", "lost"];
  const SHAPES = ["not-assessable", "unchanged", "changed"];
  const COLUMNS = ["case", "level", "side", "reader", "session", "grade", "superior", "posterior", "inferior",
    "anterior", "root_shape", "verdict", "comment", "time"];
  const KEYS = [["j / k", "next, previous foramen"], ["← / →", "section medial, lateral"], ["+ / -", "zoom"],
    ["o", "outlines on, off"], ["[ / ]", "window narrower, wider"], ["; / '", "level darker, brighter"], ["r", "reset the view"],
    ["a", "accept the grade"], ["0 1 2 3", "your grade"], ["n", "not gradable"], ["x", "clear your verdict"],
    ["c", "comment"], ["e", "export CSV"], ["?", "these keys"]];
  const SVG = "http://www.w3.org/2000/svg";

  const all = data.studies.flatMap((study) => study.foramina.map((f) => ({ ...f, case: study.case,
    key: [study.case, f.level, f.side].join("|") })));
  const byKey = new Map(all.map((f) => [f.key, f]));
  // Studies of other pages are left alone: every page stores what it was graded from.
  const STORE = "foramgrade review " + data.studies.map((s) => s.case).sort().join(",").slice(0, 2000);
  let current = all.length ? all[0].key : null;
  let section = 0, zoom = 1, shown = true, windowWidth = 1, windowLevel = 0, sort = ["case", 1];
  let state = load();

  function load() {
    const empty = { reader: data.reader, session: "", verdicts: {} };
    try {
      const kept = JSON.parse(localStorage.getItem(STORE));
      if (kept && typeof kept === "object" && kept.verdicts) return { ...empty, ...kept, reader: data.reader || kept.reader || "" };
    } catch (error) {
      say("Your verdicts cannot be kept by this browser: export them before you leave (" + error.message + ").");
    }
    return empty;
  }
  function save() {
    try { localStorage.setItem(STORE, JSON.stringify(state)); } catch (error) {
      say("Your verdicts cannot be kept by this browser: export them before you leave (" + error.message + ").");
    }
  }
  function say(text) { $("message").textContent = text; }
  function make(name, attributes = {}, ...children) {
    const node = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) {
      if (key === "text") node.textContent = value; else node.setAttribute(key, value);
    }
    node.append(...children);
    return node;
  }
  function draw(name, attributes = {}, text = "") {
    const node = document.createElementNS(SVG, name);
    for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
    if (text) node.textContent = text;
    return node;
  }
  const verdictOf = (f) => state.verdicts[f.key];
  const hidden = (f) => data.blind && !verdictOf(f);

  // ---- list
  function visible() {
    const [level, side, grade, flag, verdict] = ["level", "side", "grade", "flag", "verdict"].map((n) => $("f-" + n).value);
    const below = parseFloat($("f-confidence").value);
    const kept = all.filter((f) => (!level || f.level === level) && (!side || f.side === side)
      && (!verdict || (verdict === "done") === Boolean(verdictOf(f)))
      // What is hidden is not found by its grade, flag or confidence either.
      && (!grade || (!hidden(f) && (grade === "none" ? f.lee === null : String(f.lee) === grade)))
      && (!flag || (!hidden(f) && f.flags.includes(flag)))
      && (Number.isNaN(below) || (!hidden(f) && (f.confidence === null || f.confidence < below))));
    const value = (f) => {
      if (sort[0] === "verdict") return verdictOf(f) ? shortVerdict(f) : "~";
      if (hidden(f) && (sort[0] === "lee" || sort[0] === "confidence")) return -1;
      return f[sort[0]] === null ? -1 : f[sort[0]];
    };
    const place = new Map(all.map((f, n) => [f.key, n]));
    return kept.sort((a, b) => {
      const x = value(a), y = value(b);
      return (x < y ? -1 : x > y ? 1 : 0) * sort[1] || place.get(a.key) - place.get(b.key);
    });
  }
  function shortVerdict(f) {
    const v = verdictOf(f);
    return !v ? "" : v.verdict === "not-gradable" ? "n" : String(v.grade);
  }
  function showList() {
    const rows = visible().map((f) => {
      const open = make("button", { type: "button", text: f.case });
      open.addEventListener("click", () => choose(f.key));
      const grade = hidden(f) ? "·" : f.lee === null ? "–" : String(f.lee);
      const sure = hidden(f) ? "·" : f.confidence === null ? "–" : f.confidence.toFixed(2);
      const row = make("tr", {}, make("td", { title: f.case }, open),
        ...[f.level, f.side, grade, sure, shortVerdict(f)].map((text) => make("td", { text })));
      if (f.key === current) row.setAttribute("aria-current", "true");
      return row;
    });
    const body = $("list").tBodies[0];
    body.replaceChildren(...rows);
    const here = body.querySelector("[aria-current]");
    if (here) here.scrollIntoView({ block: "nearest" });
    for (const head of $("list").querySelectorAll("th")) {
      const by = head.firstElementChild.dataset.sort;
      head.setAttribute("aria-sort", by === sort[0] ? (sort[1] > 0 ? "ascending" : "descending") : "none");
    }
    const done = all.filter(verdictOf).length;
    $("progress").textContent = `${done} of ${all.length} read${data.blind ? " · blind" : ""}`;
  }
  function step(by) {
    const rows = visible();
    if (!rows.length) return;
    const at = rows.findIndex((f) => f.key === current);
    choose(rows[at < 0 ? 0 : Math.min(Math.max(at + by, 0), rows.length - 1)].key);
  }
  function choose(key) {
    current = key;
    const f = byKey.get(key);
    section = f.film ? f.film.chosen : 0;
    zoom = 1;
    show();
  }

  // ---- picture
  function picture(f, n, small) {
    const film = f.film, [width, height] = film.size, one = film.sections[n];
    const svg = draw("svg", { role: "img", "aria-label": sectionName(f, n) });
    const scale = small ? 1.6 : zoom;
    const side = Math.max(width, height) / scale;
    svg.setAttribute("viewBox", `${width / 2 - side / 2} ${height / 2 - side / 2} ${side} ${side}`);
    const image = draw("image", { href: "data:image/jpeg;base64," + one.jpeg, width, height });
    if (!small) image.style.filter = `brightness(${1 + windowLevel}) contrast(${windowWidth})`;
    svg.append(image);
    if (small) return svg;
    if (shown && !hidden(f)) {
      if (one.opening) svg.append(draw("path", { class: "opening", d: one.opening }));
      if (n === film.chosen) {
        if (film.fat) svg.append(draw("path", { class: "fat", d: film.fat }));
        if (film.root) svg.append(draw("path", { class: "root", d: film.root }));
      }
    }
    const left = width / 2 - side / 2, top = height / 2 - side / 2, font = side / 26;
    const mark = (x, y, text, anchor = "middle") => {
      const node = draw("text", { x, y, class: "mark", "text-anchor": anchor }, text);
      node.style.fontSize = font + "px";
      node.style.strokeWidth = font / 6 + "px";
      svg.append(node);
    };
    mark(left + side / 2, top + 1.2 * font, "S");
    mark(left + side / 2, top + side - 0.6 * font, "I");
    mark(left + 0.8 * font, top + side / 2, "A");
    mark(left + side - 0.8 * font, top + side / 2, "P");
    mark(left + 0.5 * font, top + 1.2 * font, f.side === "right" ? "R" : "L", "start");
    const bar = 10 / film.pixel_mm, y = top + side - 1.2 * font, x = left + side - bar - font;
    svg.append(draw("rect", { x, y, width: bar, height: font / 4, fill: "#fff", stroke: "#000", "stroke-width": font / 12 }));
    mark(x + bar / 2, y - font / 3, "10 mm");
    return svg;
  }
  function sectionName(f, n) {
    const one = f.film.sections[n];
    const what = n === f.film.chosen ? "the reported section" : one.opening ? "also through the foramen" : "beyond it";
    const where = one.offset_mm === null ? "" : `, ${Math.abs(one.offset_mm).toFixed(1)} mm from the midline of the level`;
    return `Section ${n + 1} of ${f.film.sections.length}${where}, ${what}`;
  }
  function showPicture() {
    const f = byKey.get(current);
    if (!f.film) {
      $("picture").replaceChildren(make("p", { class: "none", text: "No picture was kept of this foramen." }));
      $("strip").replaceChildren();
      $("section-name").textContent = "";
      return;
    }
    $("picture").replaceChildren(picture(f, section, false));
    $("strip").replaceChildren(...f.film.sections.map((_, n) => {
      const button = make("button", { type: "button", "aria-pressed": String(n === section), "aria-label": sectionName(f, n) });
      button.append(picture(f, n, true));
      button.addEventListener("click", () => { section = n; showPicture(); });
      return button;
    }));
    $("section-name").textContent = sectionName(f, section);
  }

  // ---- evidence
  function showMachine() {
    const f = byKey.get(current), box = $("machine");
    if (hidden(f)) {
      box.replaceChildren(make("p", { text: "Blind: grade, findings, outlines and measures show when you have answered." }));
      return;
    }
    const badge = make("div", { class: f.lee === null ? "badge" : "badge g" + f.lee, text: f.lee === null ? "–" : String(f.lee) });
    const name = f.lee === null ? "Not gradable" : f.criteria === "Lee 2010" ? `Lee ${f.lee}, ${data.grades[f.lee]}` : `${f.criteria}: ${f.lee}`;
    const sure = f.confidence === null ? "" : ` · confidence ${Math.round(100 * f.confidence)}%`;
    const defined = f.defined === null ? "" : f.defined ? ": Lee defines this pattern" : ": Lee does not define this pattern";
    const scales = [["Sartoretti", f.sartoretti], ["Wildermuth", f.wildermuth], ["RSNA", f.rsna]]
      .filter(([, value]) => value !== null).map(([scale, value]) => `${scale} ${value}`).join(" · ");
    const lines = [make("p", { class: "small", text: `policy ${f.policy}${defined}${sure}` }), make("p", { class: "small", text: scales }),
      ...f.reasons.map((text) => make("p", { text })),
      make("p", { class: "small", text: "Caveats: " + (f.flags.join("; ") || "none") })];
    box.replaceChildren(make("div", { class: "grade" }, badge, make("strong", { text: name })), ...lines);
    if (f.borders) {
      const rows = BORDERS.map(([word, letter]) => {
        const [found, mm, beside] = f.borders[letter];
        const cells = [mm === null ? "–" : mm.toFixed(1) + " mm", found, beside === null ? "" : "to " + beside];
        return make("tr", {}, make("th", { scope: "row", text: `${letter} ${word}` }),
          ...cells.map((text, n) => make("td", { text, class: n === 1 && found === "lost" ? "lost" : "" })));
      });
      box.append(make("table", { "aria-label": "Fat per border" }, make("tbody", {}, ...rows)),
        make("p", { class: "small", text: "Root shape: " + f.shape }));
    }
  }
  function showCharts() {
    const f = byKey.get(current), box = $("charts");
    box.replaceChildren();
    $("measures").tBodies[0].replaceChildren();
    $("measures").hidden = hidden(f) || !f.measures.length;
    if (hidden(f)) return;
    if (f.profile) box.append(figure(polar(f), "Fat around the root, mm"));
    if (f.areas && f.areas.length) box.append(figure(areas(f), "Area by section, mm², over mm from the midline"));
    $("measures").tBodies[0].replaceChildren(...f.measures.map(([name, value]) =>
      make("tr", {}, make("td", { text: name }), make("td", { text: value }))));
  }
  function figure(svg, caption) { return make("figure", {}, svg, make("figcaption", { text: caption })); }
  function polar(f) {
    const size = 150, middle = size / 2, most = 2, radius = 55;
    const svg = draw("svg", { width: size, height: size, role: "img", "aria-label": "Fat around the root in every direction" });
    for (const mm of [1, 2]) {
      svg.append(draw("circle", { cx: middle, cy: middle, r: radius * mm / most, fill: "none", stroke: "#bbb" }));
      svg.append(draw("text", { x: middle + 3, y: middle - radius * mm / most - 1 }, String(mm)));
    }
    // Directions turn from superior through posterior, which is on the right here.
    const at = f.profile.map((mm, n) => {
      const turn = 2 * Math.PI * n / f.profile.length, r = radius * Math.min(mm, most) / most;
      return `${(middle + r * Math.sin(turn)).toFixed(1)},${(middle - r * Math.cos(turn)).toFixed(1)}`;
    });
    svg.append(draw("polygon", { points: at.join(" "), fill: "#009e73", "fill-opacity": ".4", stroke: "#00785a" }));
    for (const [x, y, text] of [[middle - 12, 10, "S"], [size - 9, middle + 3, "P"], [middle - 3, size - 2, "I"], [1, middle + 3, "A"]]) {
      svg.append(draw("text", { x, y }, text));
    }
    return svg;
  }
  function areas(f) {
    const width = 190, height = 150, left = 34, bottom = 22;
    const svg = draw("svg", { width, height, role: "img", "aria-label": "Area of the opening by section" });
    const xs = f.areas.map(([x]) => Math.abs(x)), ys = f.areas.map(([, a]) => a);
    const x0 = Math.min(...xs) - 1, x1 = Math.max(...xs) + 1, y1 = Math.ceil(Math.max(...ys) / 50) * 50;
    const x = (v) => left + (width - left - 8) * (v - x0) / (x1 - x0), y = (v) => height - bottom - (height - bottom - 10) * v / y1;
    svg.append(draw("path", { d: `M${left} 8V${height - bottom}H${width - 4}`, fill: "none", stroke: "#777" }));
    for (const v of [0, y1 / 2, y1]) svg.append(draw("text", { x: left - 4, y: y(v) + 3, "text-anchor": "end" }, String(v)));
    for (const v of [Math.min(...xs), Math.max(...xs)]) svg.append(draw("text", { x: x(v), y: height - 8, "text-anchor": "middle" }, v.toFixed(0)));
    svg.append(draw("polyline", { points: xs.map((v, n) => `${x(v)},${y(ys[n])}`).join(" "), fill: "none", stroke: "#555" }));
    xs.forEach((v, n) => svg.append(draw("circle", { cx: x(v), cy: y(ys[n]), r: n === f.reported ? 5 : 2.5,
      fill: n === f.reported ? "#0072b2" : "#555" })));
    return svg;
  }

  // ---- verdict
  function showVerdict() {
    const f = byKey.get(current), v = verdictOf(f);
    $("accept").disabled = hidden(f) || f.lee === null;
    for (const button of $("verdict").querySelectorAll("[data-grade]")) {
      button.setAttribute("aria-pressed", String(Boolean(v) && v.grade === Number(button.dataset.grade)));
    }
    $("ungradable").setAttribute("aria-pressed", String(Boolean(v) && v.verdict === "not-gradable"));
    $("accept").setAttribute("aria-pressed", String(Boolean(v) && v.verdict === "accept"));
    for (const select of $("findings").querySelectorAll("select")) {
      const name = select.dataset.border;
      select.value = v && v[name] ? v[name] : name === "root_shape" ? "not-assessable" : "unknown";
      select.disabled = !v;
    }
    $("comment").value = v ? v.comment : "";
    $("comment").disabled = !v;
    $("answer").textContent = !v ? "No verdict yet."
      : `${v.verdict === "not-gradable" ? "Not gradable" : "Grade " + v.grade}${v.verdict === "accept" ? ", as the machine" : ""}; ${v.reader || "reader not named"}, ${v.time}`;
  }
  function answer(verdict, grade) {
    const f = byKey.get(current), before = verdictOf(f), wasHidden = hidden(f);
    const findings = { superior: "unknown", posterior: "unknown", inferior: "unknown", anterior: "unknown", root_shape: "not-assessable" };
    if (verdict === "accept") {
      if (wasHidden || f.lee === null) return;
      for (const [word, letter] of BORDERS) findings[word] = f.borders ? f.borders[letter][0] : "unknown";
      findings.root_shape = f.shape || "not-assessable";
    } else if (before) {
      for (const name of Object.keys(findings)) if (before.verdict !== "accept") findings[name] = before[name];
    }
    // A blind answer is the first one: what is changed after the reveal says so.
    const blind = data.blind ? (wasHidden ? "blind" : "after reveal") : "open";
    state.verdicts[f.key] = { verdict, grade, ...findings, comment: before ? before.comment : "", reader: state.reader,
      session: state.session, time: now(), mode: before && blind !== "open" && before.mode === "blind" ? "after reveal" : blind };
    save();
    show();
  }
  const now = () => new Date().toISOString().slice(0, 19) + "Z";
  function clear() { delete state.verdicts[current]; save(); show(); }
  function edit(name, value) {
    const v = state.verdicts[current];
    if (!v) return;
    v[name] = value;
    if (name !== "comment" && v.verdict === "accept") v.verdict = "change";
    v.time = now();
    save();
    showList();
    $("answer").textContent = $("answer").textContent.replace(/, [^,]*$/, ", " + v.time);
  }

  // ---- CSV
  // Text that a spreadsheet would run as a formula gets an apostrophe in front, which is taken away when it is read.
  const guard = (text) => (/^['=+\-@\t\r]/.test(text) ? "'" + text : text);
  const unguard = (text) => (/^'['=+\-@\t\r]/.test(text) ? text.slice(1) : text);
  const quote = (text) => (/[",\n\r]/.test(text) ? '"' + text.replaceAll('"', '""') + '"' : text);
  function toCsv() {
    const lines = [COLUMNS.join(",")];
    for (const f of all) {
      const v = verdictOf(f);
      if (!v) continue;
      const row = { ...v, case: f.case, level: f.level, side: f.side, grade: v.grade === null ? "" : String(v.grade),
        verdict: v.mode === "open" ? v.verdict : `${v.verdict}, ${v.mode}` };
      lines.push(COLUMNS.map((name) => quote(guard(String(row[name] ?? "").replace(/[\r\n]+/g, " ")))).join(","));
    }
    return lines.join("\n") + "\n";
  }
  function parseCsv(text) {
    const rows = [[""]];
    let quoted = false;
    for (let n = text.charCodeAt(0) === 0xfeff ? 1 : 0; n < text.length; n += 1) {
      const c = text[n], row = rows[rows.length - 1];
      if (quoted) {
        if (c === '"' && text[n + 1] === '"') { row[row.length - 1] += '"'; n += 1; } else if (c === '"') quoted = false;
        else row[row.length - 1] += c;
      } else if (c === '"') quoted = true;
      else if (c === ",") row.push("");
      else if (c === "\n") rows.push([""]);
      else if (c !== "\r") row[row.length - 1] += c;
    }
    return rows.filter((row) => row.some((cell) => cell !== ""));
  }
  function exportCsv() {
    if (!state.reader) { say("Name the reader before you export: the table must say whose verdicts they are."); $("reader").focus(); return; }
    for (const v of Object.values(state.verdicts)) { v.reader = v.reader || state.reader; v.session = v.session || state.session; }
    save();
    const link = make("a", { href: "data:text/csv;charset=utf-8," + encodeURIComponent(toCsv()),
      download: `verdicts_${state.reader.replace(/[^A-Za-z0-9]+/g, "-")}.csv` });
    document.body.append(link);
    link.click();
    link.remove();
    say(`Exported ${Object.keys(state.verdicts).length} verdicts.`);
  }
  function importCsv(text) {
    const [head, ...rows] = parseCsv(text);
    const missing = ["case", "level", "side", "grade", "verdict"].filter((name) => !head || !head.includes(name));
    if (missing.length) { say(`This table lacks the columns ${missing.join(", ")}: expected one that this page exported.`); return; }
    let taken = 0, unknown = 0, bad = 0;
    for (const row of rows) {
      const cell = (name) => (head.includes(name) ? unguard(row[head.indexOf(name)] ?? "") : "");
      const key = [cell("case"), cell("level"), cell("side")].join("|");
      const grade = cell("grade") === "" ? null : Number(cell("grade"));
      const [verdict, mode] = cell("verdict").split(", ");
      if (!byKey.has(key)) { unknown += 1; continue; }
      if (!["accept", "change", "not-gradable"].includes(verdict) || (grade !== null && ![0, 1, 2, 3].includes(grade))
        || (grade === null) !== (verdict === "not-gradable")) { bad += 1; continue; }
      const kept = { verdict, grade, comment: cell("comment"), reader: cell("reader"), session: cell("session"),
        time: cell("time"), mode: ["blind", "after reveal"].includes(mode) ? mode : "open" };
      for (const [word] of BORDERS) kept[word] = STATES.includes(cell(word)) ? cell(word) : "unknown";
      kept.root_shape = SHAPES.includes(cell("root_shape")) ? cell("root_shape") : "not-assessable";
      state.verdicts[key] = kept;
      taken += 1;
    }
    save();
    show();
    say(`Imported ${taken} verdicts${unknown ? `; ${unknown} of foramina that are not on this page` : ""}${bad ? `; ${bad} rows that are none` : ""}.`);
  }

  // ---- wiring
  function show() {
    const f = byKey.get(current);
    showList();
    if (!f) return;
    $("title").textContent = `${f.level} ${f.side} · ${f.case}`;
    showPicture();
    showMachine();
    showVerdict();
    showCharts();
  }
  function scroll(by) {
    const f = byKey.get(current);
    if (!f.film) return;
    section = Math.min(Math.max(section + by, 0), f.film.sections.length - 1);
    showPicture();
  }
  function view(change) { change(); showPicture(); }
  const clamp = (value, low, high) => Math.min(Math.max(value, low), high);
  function toggleHelp() {
    $("help").hidden = !$("help").hidden;
    $("help-button").setAttribute("aria-expanded", String(!$("help").hidden));
  }
  const ACTIONS = {
    j: () => step(1), ArrowDown: () => step(1), k: () => step(-1), ArrowUp: () => step(-1),
    ArrowLeft: () => scroll(-1), ArrowRight: () => scroll(1),
    "+": () => view(() => { zoom = clamp(zoom * 1.25, 1, 8); }), "=": () => view(() => { zoom = clamp(zoom * 1.25, 1, 8); }),
    "-": () => view(() => { zoom = clamp(zoom / 1.25, 1, 8); }), o: () => view(() => { shown = !shown; }),
    "[": () => view(() => { windowWidth = clamp(windowWidth * 1.15, 0.3, 5); }),
    "]": () => view(() => { windowWidth = clamp(windowWidth / 1.15, 0.3, 5); }),
    ";": () => view(() => { windowLevel = clamp(windowLevel - 0.08, -0.8, 2); }),
    "'": () => view(() => { windowLevel = clamp(windowLevel + 0.08, -0.8, 2); }),
    r: () => view(() => { zoom = 1; windowWidth = 1; windowLevel = 0; shown = true; }),
    a: () => answer("accept", byKey.get(current).lee), n: () => answer("not-gradable", null), x: clear,
    0: () => answer("change", 0), 1: () => answer("change", 1), 2: () => answer("change", 2), 3: () => answer("change", 3),
    c: () => $("comment").focus(), e: exportCsv, "?": toggleHelp,
  };
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && event.target.matches("input, select")) { event.target.blur(); return; }
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input, select, textarea")) return;
    const action = ACTIONS[event.key];
    if (!action || !current) return;
    event.preventDefault();
    action();
  });
  for (const button of $("list").querySelectorAll("[data-sort]")) {
    button.addEventListener("click", () => {
      sort = [button.dataset.sort, sort[0] === button.dataset.sort ? -sort[1] : 1];
      showList();
    });
  }
  for (const name of ["level", "side", "grade", "flag", "confidence", "verdict"]) $("f-" + name).addEventListener("input", showList);
  $("filters").addEventListener("submit", (event) => event.preventDefault());
  $("verdict").addEventListener("submit", (event) => event.preventDefault());
  $("accept").addEventListener("click", ACTIONS.a);
  $("ungradable").addEventListener("click", ACTIONS.n);
  $("clear").addEventListener("click", clear);
  for (const button of $("verdict").querySelectorAll("[data-grade]")) {
    button.addEventListener("click", () => answer("change", Number(button.dataset.grade)));
  }
  for (const select of $("findings").querySelectorAll("select")) {
    const name = select.dataset.border;
    select.append(...(name === "root_shape" ? SHAPES : STATES).map((text) => make("option", { text })));
    select.addEventListener("input", () => edit(name, select.value));
  }
  $("comment").addEventListener("input", () => edit("comment", $("comment").value));
  for (const name of ["reader", "session"]) {
    $(name).value = state[name];
    $(name).addEventListener("input", () => { state[name] = $(name).value.trim(); save(); });
  }
  $("export").addEventListener("click", exportCsv);
  $("import").addEventListener("change", async () => {
    const file = $("import").files[0];
    if (file) importCsv(await file.text());
    $("import").value = "";
  });
  $("help-button").addEventListener("click", toggleHelp);
  $("help").append(...KEYS.map(([keys, what]) => make("p", {}, make("kbd", { text: keys }), " " + what)));
  const levels = [...new Set(all.map((f) => f.level))], flags = [...new Set(all.flatMap((f) => f.flags))].sort();
  $("f-level").append(...levels.map((text) => make("option", { text })));
  $("f-flag").append(...flags.map((text) => make("option", { text })));
  if (current) choose(current); else show();
})();
