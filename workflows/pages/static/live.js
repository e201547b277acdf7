// Keeps a page up to date. The page is what the server makes of it: when something has
// changed it is fetched again, and the parts that are marked data-live are exchanged
// where they differ. What somebody is filling in is left alone.
"use strict";

const changes = document.body.dataset.changes;
const gone = document.getElementById("gone");
let busy = false, again = false;

async function refresh() {
  if (busy) { again = true; return; }
  busy = true;
  try {
    const answer = await fetch(location.href, { headers: { Accept: "text/html" }, redirect: "follow" });
    if (answer.status === 401) { location.reload(); return; }
    if (answer.ok) exchange(new DOMParser().parseFromString(await answer.text(), "text/html"));
    gone.hidden = true;
  } catch {
    gone.hidden = false;
  }
  busy = false;
  if (again) { again = false; refresh(); }
}

function exchange(page) {
  let differs = false;
  for (const old of document.querySelectorAll("[data-live]")) {
    const now = page.getElementById(old.id);
    if (!now || now.outerHTML === old.dataset.was || isBusy(old)) continue;
    const was = now.outerHTML;
    if (old.outerHTML !== was) { old.replaceWith(now); differs = true; }
  }
  if (differs) document.dispatchEvent(new Event("refreshed"));
}

// A part with a field that somebody is in, or has changed, is left as it is.
function isBusy(part) {
  if (part.contains(document.activeElement) && document.activeElement.matches("input, select, textarea")) return true;
  return [...part.querySelectorAll("input, textarea")].some((f) => f.type === "radio" || f.type === "checkbox" ? f.checked !== f.defaultChecked : f.value !== f.defaultValue);
}

if (changes && document.querySelector("[data-live]") && !document.querySelector("form.params")) {
  let listening, lost = false;
  const listen = () => {
    listening = new EventSource(changes);
    listening.addEventListener("changed", refresh);
    listening.onopen = () => { if (lost) { lost = false; refresh(); } };
    listening.onerror = () => {
      lost = true;
      gone.hidden = false;
      if (listening.readyState === EventSource.CLOSED) setTimeout(listen, 3000);
    };
  };
  listen();
  addEventListener("pagehide", () => listening.close());
  addEventListener("pageshow", (e) => { if (e.persisted) { listen(); refresh(); } });
}

// The line of the workflow that the robot is at.
const source = document.getElementById("source");
function showLine() {
  const near = document.getElementById("near");
  source.querySelectorAll(".at").forEach((l) => l.classList.remove("at"));
  const line = near && near.dataset.line && source.querySelector(`[data-n="${near.dataset.line}"]`);
  if (!line) return;
  line.classList.add("at");
  const top = line.offsetTop - source.offsetTop;
  if (top < source.scrollTop || top > source.scrollTop + source.clientHeight - 40) source.scrollTop = top - source.clientHeight / 2;
}
if (source) { showLine(); document.addEventListener("refreshed", showLine); }

// All steps of a run: only the rows that can be seen are there, however many steps.
const all = document.getElementById("all");
if (all) {
  const row = 28, chunk = 200, chunks = new Map();
  const words = { done: "done", not_yet: "", skipped: "left out", doubtful: "in doubt" };
  const inner = document.createElement("div");
  all.replaceChildren(inner);
  let follows = true, count = 0;
  const doneNow = () => Number(document.getElementById("done").dataset.done);
  const load = async (k) => {
    if (chunks.has(k)) return;
    chunks.set(k, []);
    try {
      const answer = await fetch(`/runs/${all.dataset.run}/steps?after=${k * chunk}&limit=${chunk}`);
      if (!answer.ok) throw new Error(answer.statusText);
      chunks.set(k, (await answer.json()).steps || []);
    } catch {
      setTimeout(() => { chunks.delete(k); draw(); }, 2000);
    }
    draw();
  };
  const draw = () => {
    count = Number(document.getElementById("done").dataset.steps); // more become known in the course of a run
    inner.style.height = `${count * row}px`;
    const first = Math.max(0, Math.floor(all.scrollTop / row) - 5), last = Math.min(count, first + Math.ceil(all.clientHeight / row) + 10), done = doneNow();
    const rows = [];
    for (let i = first; i < last; i++) {
      const k = Math.floor(i / chunk), list = chunks.get(k);
      if (!list) load(k);
      const s = list && list[i - k * chunk], div = document.createElement("div");
      div.className = "row" + (i === done ? " now" : "") + (s ? ` ${s.fate}` : "");
      div.style.top = `${i * row}px`;
      const n = document.createElement("b"), fate = document.createElement("span"), text = document.createElement("span");
      n.textContent = i + 1;
      fate.className = "fate";
      fate.textContent = i < done && (!s || s.fate === "not_yet") ? "done" : s ? words[s.fate] : "";
      text.textContent = s ? s.text || s.op : "…";
      div.append(n, fate, text);
      rows.push(div);
    }
    inner.replaceChildren(...rows);
  };
  const follow = () => { if (follows) all.scrollTop = Math.max(0, doneNow() * row - all.clientHeight / 2); draw(); };
  all.addEventListener("scroll", draw);
  for (const by of ["wheel", "touchmove", "keydown", "mousedown"]) all.addEventListener(by, () => { follows = false; }, { passive: true });
  document.addEventListener("refreshed", () => { chunks.clear(); follow(); });
  follow();
}

// A plate to choose wells from.
for (const plate of document.querySelectorAll(".picker")) {
  const field = document.getElementById(plate.dataset.for), many = field.dataset.wells === "wells";
  plate.removeAttribute("hidden");
  const chosen = () => field.value.split(/[\s,]+/).filter(Boolean).map((w) => w.replace(/^.*\./, ""));
  const show = () => { const on = new Set(chosen()); plate.querySelectorAll("circle").forEach((c) => c.classList.toggle("on", on.has(c.dataset.well))); };
  plate.addEventListener("click", (e) => {
    const well = e.target.dataset && e.target.dataset.well;
    if (!well) return;
    const list = chosen();
    if (!many) field.value = well;
    else field.value = (list.includes(well) ? list.filter((w) => w !== well) : [...list.filter((w) => /^[A-Z]+\d+$/.test(w)), well]).join(", ");
    show();
  });
  field.addEventListener("input", show);
  show();
}

// A colour is chosen beside its text.
for (const field of document.querySelectorAll("[data-color]")) {
  const picker = document.createElement("input");
  picker.type = "color";
  picker.setAttribute("aria-label", `choose ${field.id.replace(/^p-/, "")}`);
  if (/^#[0-9a-f]{6}$/i.test(field.value)) picker.value = field.value;
  picker.addEventListener("input", () => { field.value = picker.value; });
  field.addEventListener("input", () => { if (/^#[0-9a-f]{6}$/i.test(field.value)) picker.value = field.value; });
  field.after(" ", picker);
}

// A table is dropped where it is wanted.
for (const area of document.querySelectorAll("[data-drop]")) {
  area.addEventListener("dragover", (e) => e.preventDefault());
  area.addEventListener("drop", async (e) => {
    const file = e.dataTransfer.files[0];
    if (!file) return;
    e.preventDefault();
    area.value = await file.text();
  });
}

// A workflow is checked as it is written.
const text = document.getElementById("text");
if (text) {
  const gutter = document.getElementById("gutter"), found = document.getElementById("checked");
  let waits, last = text.value, bad = new Set();
  const mark = () => { bad = new Set([...found.querySelectorAll("li.error [data-at]")].map((a) => Number(a.dataset.at))); number(); };
  const number = () => {
    const rows = text.value.split("\n").map((_, i) => { const row = document.createElement("span"); row.textContent = i + 1; row.className = bad.has(i + 1) ? "bad" : ""; return row; });
    gutter.replaceChildren(...rows);
    gutter.scrollTop = text.scrollTop;
  };
  const check = async () => {
    const now = text.value;
    if (now === last) return;
    try {
      const answer = await fetch(text.dataset.check, { method: "POST", headers: { "Content-Type": "text/plain" }, body: now });
      if (!answer.ok || text.value !== now) return;
      last = now;
      found.innerHTML = await answer.text();
      gone.hidden = true;
      mark();
    } catch { gone.hidden = false; }
  };
  text.addEventListener("input", () => { number(); clearTimeout(waits); waits = setTimeout(check, 250); });
  text.addEventListener("scroll", () => { gutter.scrollTop = text.scrollTop; });
  text.addEventListener("keydown", (e) => {
    if (e.key !== "Enter" || e.isComposing) return;
    const before = text.value.slice(0, text.selectionStart), indent = /^[ ]*/.exec(before.slice(before.lastIndexOf("\n") + 1))[0];
    e.preventDefault();
    document.execCommand("insertText", false, "\n" + indent);
  });
  found.addEventListener("click", (e) => {
    const line = e.target.dataset && e.target.dataset.at;
    if (!line) return;
    e.preventDefault();
    const lines = text.value.split("\n"), from = lines.slice(0, line - 1).join("\n").length + (line > 1 ? 1 : 0);
    text.focus();
    text.setSelectionRange(from, from + lines[line - 1].length);
    text.scrollTop = (line - 5) * parseFloat(getComputedStyle(text).lineHeight);
  });
  addEventListener("beforeunload", (e) => { if (text.value !== text.defaultValue && !text.form.dataset.sent) e.preventDefault(); });
  text.form.addEventListener("submit", () => { text.form.dataset.sent = "1"; });
  mark();
}
