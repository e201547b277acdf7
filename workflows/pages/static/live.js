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
    if (!now || isBusy(old)) continue;
    if (old.outerHTML !== now.outerHTML) { replace(old, now); differs = true; }
  }
  if (differs) document.dispatchEvent(new Event("refreshed"));
}

// Whoever has got to a button of a part, or has scrolled in it, is there afterwards.
function replace(old, now) {
  const reach = "a, button, summary, [tabindex]", at = [...old.querySelectorAll(reach)].indexOf(document.activeElement);
  const scrolled = [...old.querySelectorAll(".scroll, .steps, .moments")].map((e) => [e.scrollLeft, e.scrollTop]);
  old.replaceWith(now);
  now.querySelectorAll(".scroll, .steps, .moments").forEach((e, i) => { if (scrolled[i]) [e.scrollLeft, e.scrollTop] = scrolled[i]; });
  if (at >= 0) ([...now.querySelectorAll(reach)][at] || document.getElementById("main")).focus();
}

// A part with a field that somebody is in, or has changed, is left as it is.
function isBusy(part) {
  if (part.contains(document.activeElement) && document.activeElement.matches("input, select, textarea")) return true;
  return [...part.querySelectorAll("input, textarea")].some((f) => f.type === "radio" || f.type === "checkbox" ? f.checked !== f.defaultChecked : f.value !== f.defaultValue);
}

// A page that nobody sees is brought up to date when somebody does.
const live = document.querySelector("main [data-live]") && !document.querySelector("form.params");
let missed = false;
const changed = () => { if (!live) return; if (document.hidden) missed = true; else refresh(); };
document.addEventListener("visibilitychange", () => { if (missed && !document.hidden) { missed = false; refresh(); } });

if (changes) {
  let listening, lost = false;
  const listen = () => {
    listening = new EventSource(changes);
    listening.addEventListener("changed", changed);
    listening.onopen = () => { gone.hidden = true; if (lost) { lost = false; changed(); } };
    listening.onerror = () => {
      lost = true;
      gone.hidden = false;
      if (listening.readyState === EventSource.CLOSED) setTimeout(listen, 3000);
    };
  };
  listen();
  addEventListener("pagehide", () => listening.close());
  addEventListener("pageshow", (e) => { if (e.persisted) { listen(); changed(); } });
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

// All steps of a run: only the rows that can be seen are there, however many steps. Rows
// are used again, and what is known of a step is shown until more is.
const all = document.getElementById("all");
if (all) {
  const height = 28, chunk = 200, chunks = new Map(), rows = [];
  const words = { done: "done", not_yet: "", skipped: "left out", doubtful: "in doubt" };
  const inner = document.createElement("div");
  all.replaceChildren(inner);
  let follows = true, due = false, told = 0;
  const state = () => document.getElementById("done").dataset;
  const load = async (k) => {
    const mine = told;
    chunks.set(k, { told: mine, list: chunks.get(k)?.list });
    try {
      const answer = await fetch(`/runs/${all.dataset.run}/steps?after=${k * chunk}&limit=${chunk}`);
      if (!answer.ok) throw new Error(answer.statusText);
      chunks.set(k, { told: mine, list: (await answer.json()).steps || [] });
    } catch {
      setTimeout(() => { chunks.delete(k); soon(); }, 2000);
    }
    soon();
  };
  const draw = () => {
    due = false;
    const count = Number(state().steps), done = Number(state().done); // more become known in the course of a run
    inner.style.height = `${count * height}px`;
    const first = Math.max(0, Math.floor(all.scrollTop / height) - 5), last = Math.min(count, first + Math.ceil(all.clientHeight / height) + 10);
    for (let i = first; i < last; i++) {
      const k = Math.floor(i / chunk), known = chunks.get(k);
      if (!known || known.told !== told) load(k);
      const s = known && known.list && known.list[i - k * chunk];
      let row = rows[i - first];
      if (!row) {
        row = document.createElement("div");
        row.append(document.createElement("b"), document.createElement("span"), document.createElement("span"));
        row.children[1].className = "fate";
        inner.append(row);
        rows.push(row);
      }
      const [n, fate, what] = row.children;
      row.className = "row" + (i === done && !(s && s.fate === "done") ? " now" : "") + (s ? ` ${s.fate}` : "");
      row.style.transform = `translateY(${i * height}px)`;
      row.hidden = false;
      n.textContent = i + 1;
      fate.textContent = i < done && (!s || s.fate === "not_yet") ? "done" : s ? words[s.fate] : "";
      what.textContent = s ? s.text || s.op : "…";
    }
    rows.slice(last - first).forEach((row) => { row.hidden = true; });
  };
  const soon = () => { if (!due) { due = true; requestAnimationFrame(draw); } };
  const follow = () => { if (follows) all.scrollTop = Math.max(0, Number(state().done) * height - all.clientHeight / 2); soon(); };
  all.addEventListener("scroll", soon);
  for (const by of ["wheel", "touchmove", "keydown", "mousedown"]) all.addEventListener(by, () => { follows = false; }, { passive: true });
  document.addEventListener("refreshed", () => { told++; follow(); });
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
