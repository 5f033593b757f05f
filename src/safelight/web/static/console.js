// The keyboard of the console. Everything here is also a link or a button: without this file the console works by hand.
// An element with data-key answers to that key; rows with data-row are walked with j and k and opened with enter.
"use strict";

const rows = [...document.querySelectorAll("[data-row]")];
let at = -1;
let first = "";

function walk(step) {
  if (!rows.length) return;
  at = Math.max(0, Math.min(rows.length - 1, at + step));
  rows[at].focus();
}

function typing(target) {
  return target.matches("textarea, select, input:not([type=radio]):not([type=checkbox])");
}

function help() {
  const dialog = document.getElementById("keys");
  if (!dialog || dialog.open) return;
  const list = dialog.querySelector("dl");
  list.replaceChildren();
  const known = new Map();
  if (rows.length) known.set("j k", "next row, row before").set("enter", "open the row");
  for (const element of document.querySelectorAll("[data-key]")) {
    const label = element.dataset.label || element.textContent || element.getAttribute("aria-label") || "";
    known.set(element.dataset.key, label.replace(/\s+/g, " ").trim());
  }
  known.set("esc", "leave a field, veil the picture").set("?", "this help");
  for (const [key, label] of known) {
    const term = document.createElement("dt");
    const kbd = document.createElement("kbd");
    kbd.textContent = key;
    term.append(kbd);
    const what = document.createElement("dd");
    what.textContent = label;
    list.append(term, what);
  }
  dialog.showModal();
}

function act(element) {
  if (element.matches("textarea, select, input:not([type=radio])")) element.focus();
  else element.click();
}

function veil() {
  for (const picture of document.querySelectorAll("img[data-veil]")) {
    picture.src = picture.dataset.veil;
    picture.alt = "A picture, veiled";
    picture.removeAttribute("data-veil");
  }
}

// A picture that cannot be had, or was shown a while ago, is a sentence and no broken image.
function sentence(picture) {
  const words = document.createElement("p");
  words.textContent = picture.dataset.else;
  picture.replaceWith(words);
}

for (const picture of document.querySelectorAll("img[data-else]")) {
  if (picture.complete && !picture.naturalWidth) sentence(picture);
  else picture.addEventListener("error", () => sentence(picture));
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "Escape") {
    veil();
    if (typing(document.activeElement)) document.activeElement.blur();
    return;
  }
  if (document.querySelector("dialog[open]")) return;
  if (event.target instanceof Element && typing(event.target)) return;
  const key = event.key.toLowerCase();
  if (event.key === "?") return void (event.preventDefault(), help());
  if (first) {
    const found = document.querySelector(`[data-key="${first} ${CSS.escape(key)}"]`);
    first = "";
    if (found) return void (event.preventDefault(), act(found));
  }
  if (key === "g") return void (first = "g");
  if (key === "j" || key === "k") return void (event.preventDefault(), walk(key === "j" ? 1 : -1));
  if (key === "enter" && event.target instanceof Element && event.target.matches("a, button, summary")) return;
  const found = document.querySelector(`[data-key="${CSS.escape(key)}"]:not([disabled])`);
  if (found) {
    event.preventDefault();
    act(found);
  }
});

for (const row of rows) row.addEventListener("focus", () => (at = rows.indexOf(row)));
for (const button of document.querySelectorAll("[data-help]")) {
  button.hidden = false;
  button.addEventListener("click", help);
}
// What was shown does not stay on an unattended screen.
document.addEventListener("visibilitychange", () => document.hidden && veil());
// Marks of time that go on while the page stands.
for (const mark of document.querySelectorAll("time[data-due]")) {
  const due = Date.parse(mark.dateTime);
  const tell = () => {
    const minutes = Math.round((due - Date.now()) / 60000);
    const size = Math.abs(minutes);
    const words = size < 60 ? `${size} min` : `${Math.floor(size / 60)} h ${String(size % 60).padStart(2, "0")}`;
    mark.textContent = minutes < 0 ? `${words} over` : words;
  };
  setInterval(tell, 30000);
}
