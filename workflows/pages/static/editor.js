// The editor of a workflow: a text area, which works without this script, in whose place
// CodeMirror comes as soon as it is there. What is wrong and what can stand somewhere,
// the server says.
"use strict";

const text = document.getElementById("text"), found = document.getElementById("checked"), away = document.getElementById("gone");
const nonce = document.currentScript.nonce; // without which CodeMirror may bring no styles
let view, show = () => {}; // show marks in the text what was found

const post = (path, body) => fetch(path, { method: "POST", headers: { "Content-Type": "text/plain" }, body });

// The text is checked as it is written.
let waits, last = text.value;
async function check() {
  const now = text.value;
  if (now === last) return;
  try {
    const answer = await post(text.dataset.check, now);
    if (!answer.ok || text.value !== now) return;
    last = now;
    const deck = found.querySelector("figure"); // which is not known while something is wrong
    found.innerHTML = await answer.text();
    if (deck && !found.querySelector("figure")) {
      const title = document.createElement("h2");
      title.textContent = "Deck after, as it was without mistakes";
      found.append(title, deck);
    }
    away.hidden = true;
    show();
  } catch {
    away.hidden = false;
    waits = setTimeout(check, 2000);
  }
}
text.addEventListener("input", () => { clearTimeout(waits); waits = setTimeout(check, 250); });

// A finding leads to its place.
found.addEventListener("click", (e) => {
  const to = e.target.closest("[data-from]");
  if (!to) return;
  e.preventDefault();
  const anchor = Number(to.dataset.from), head = Number(to.dataset.to);
  if (view) {
    view.dispatch({ selection: { anchor, head }, scrollIntoView: true });
    view.focus();
  } else {
    text.focus();
    text.setSelectionRange(anchor, head);
  }
});

// What was written is not lost by leaving the page.
let sent = false;
addEventListener("beforeunload", (e) => { if (text.value !== text.defaultValue && !sent) e.preventDefault(); });
text.form.addEventListener("submit", () => { sent = true; });

// YAML as workflows are written: keys, text, quantities with their units, comments.
const yaml = {
  name: "workflow",
  startState: () => ({ block: -1 }),
  token(stream, state) {
    if (stream.sol()) {
      const indent = stream.indentation();
      if (state.block >= 0 && (indent > state.block || stream.match(/^\s*$/, false))) { stream.skipToEnd(); return "string"; }
      state.block = -1;
    }
    if (stream.eatSpace()) return null;
    const blank = stream.pos === 0 || /[\s{}[\],]/.test(stream.string[stream.pos - 1]);
    if (blank && stream.peek() === "#") { stream.skipToEnd(); return "comment"; }
    if (stream.match(/^[|>][+-]?\s*(#.*)?$/)) { state.block = stream.indentation(); return "punctuation"; }
    if (stream.match(/^-(?=\s|$)/) || stream.match(/^[{}[\],:]/)) return "punctuation";
    if (stream.match(/^("[^"]*"|'[^']*'|[^\s{}[\],:#"'][^{}[\],:#]*?)(?=\s*:(\s|$))/)) return "propertyName";
    if (stream.match(/^"([^"\\]|\\.)*"?/) || stream.match(/^'([^']|'')*'?/)) return "string";
    if (blank && stream.match(/^-?\d+(\.\d+)?(e-?\d+)?( ?(nL|uL|µL|mL|L|mm\/s|uL\/s|mm|cm|rpm|ms|s|min|h|C|x|%|M|mM|uM|nM|[munp]?g\/[mu]?L))?(?![\w.])/)) return "number";
    if (blank && stream.match(/^(true|false|null|none|on|off)(?=\s*([,}\]#]|$))/)) return "atom";
    stream.match(/^[\w.]+/) || stream.next();
    return null;
  },
  languageData: { commentTokens: { line: "#" }, closeBrackets: { brackets: ["(", "[", "{"] } },
};

const kinds = { key: "property", word: "enum", name: "variable", function: "function", example: "text" };

async function begin() {
  const cm = await import(text.dataset.editor);
  // complete asks what can stand at the cursor.
  const complete = async (at) => {
    const line = at.state.doc.lineAt(at.pos), before = line.text.slice(0, at.pos - line.from);
    if (!at.explicit && !/[\w.]$|[:{[,-] $|^ *$/.test(before)) return null;
    const answer = await post(`${text.dataset.complete}&at=${at.pos}`, at.state.doc.toString()).catch(() => null);
    if (!answer || !answer.ok) return null;
    const { from, options } = await answer.json();
    if (!options.length) return null;
    return {
      from,
      validFor: /^[\w-]*$/,
      options: options.map((o, i) => ({
        label: o.label, type: kinds[o.kind], detail: o.detail, info: o.doc || undefined, boost: -Math.min(i, 99),
        apply(view, _, from, to) {
          const there = o.kind === "key" && view.state.doc.sliceString(to, to + 1) === ":", insert = there ? o.label : o.insert;
          view.dispatch({ changes: { from, to, insert }, selection: { anchor: from + insert.length }, userEvent: "input.complete" });
          if (o.kind === "key") cm.startCompletion(view);
        },
      })),
    };
  };
  // newline goes on at the column at which the line began, or inside what it opened.
  const newline = ({ state, dispatch }) => {
    dispatch(state.update(state.changeByRange((range) => {
      const line = state.doc.lineAt(range.from), before = line.text.slice(0, range.from - line.from);
      let indent = /^ */.exec(before)[0];
      if (/:\s*$/.test(before)) indent += /^ *- /.test(before) ? "    " : "  ";
      const insert = "\n" + indent;
      return { changes: { from: range.from, to: range.to, insert }, range: cm.EditorSelection.cursor(range.from + insert.length) };
    }), { scrollIntoView: true, userEvent: "input" }));
    return true;
  };
  const save = () => {
    const button = text.form.querySelector('[value="save"]');
    if (button) text.form.requestSubmit(button);
    return true;
  };
  const t = cm.tags, dark = matchMedia("(prefers-color-scheme: dark)").matches;
  view = new cm.EditorView({
    parent: text.parentElement,
    doc: text.value,
    selection: { anchor: Math.min(text.selectionStart, text.value.length) },
    extensions: [
      cm.EditorView.cspNonce.of(nonce),
      cm.EditorView.theme({}, { dark }),
      cm.EditorView.contentAttributes.of({ "aria-label": "The workflow", spellcheck: "false", tabindex: "0" }),
      cm.EditorState.tabSize.of(2),
      cm.indentUnit.of("  "),
      cm.StreamLanguage.define(yaml),
      cm.syntaxHighlighting(cm.HighlightStyle.define([
        { tag: t.propertyName, class: "hl-key" }, { tag: t.string, class: "hl-string" }, { tag: t.number, class: "hl-number" },
        { tag: t.atom, class: "hl-number" }, { tag: t.comment, class: "hl-comment" }, { tag: t.punctuation, class: "hl-mark" },
      ])),
      cm.lineNumbers(), cm.lintGutter(), cm.history(), cm.highlightActiveLine(), cm.highlightActiveLineGutter(), cm.bracketMatching(), cm.closeBrackets(), cm.search({ top: true }),
      cm.autocompletion({ override: [complete], maxRenderedOptions: 60 }),
      cm.keymap.of([
        { key: "Mod-s", run: save }, { key: "Tab", run: cm.acceptCompletion }, ...cm.closeBracketsKeymap, ...cm.completionKeymap, { key: "Enter", run: newline },
        ...cm.searchKeymap, ...cm.lintKeymap, ...cm.historyKeymap, ...cm.defaultKeymap, cm.indentWithTab,
      ]),
      cm.EditorView.updateListener.of((u) => {
        if (!u.docChanged) return;
        text.value = u.state.doc.toString();
        text.dispatchEvent(new Event("input"));
      }),
    ],
  });
  text.addEventListener("input", () => { // where something else has written there
    const now = view.state.doc.toString();
    if (now !== text.value) view.dispatch({ changes: { from: 0, to: now.length, insert: text.value } });
  });
  show = () => {
    const most = view.state.doc.length, list = [];
    for (const one of found.querySelectorAll("[data-from]")) {
      const from = Math.min(one.dataset.from, most), edits = JSON.parse(one.dataset.edits || "[]");
      list.push({
        from, to: Math.min(one.dataset.to, most), severity: one.dataset.severity, message: one.dataset.message,
        actions: edits.length ? [{ name: edits.length === 1 && edits[0].insert ? `Write ${edits[0].insert}` : "Mend it", apply: (view) => view.dispatch({ changes: edits, userEvent: "input" }) }] : [],
      });
    }
    view.dispatch(cm.setDiagnostics(view.state, list));
  };
  const focused = document.activeElement === text;
  text.hidden = true;
  text.closest(".codebox").classList.add("ready");
  if (focused) view.focus();
  if (text.value === last) show();
}
begin().catch(() => {}); // the text area is as good as it was
