// Relative times, buttons that copy, and the newest state of a page that is open. Reading works without.
"use strict";
const UNITS = [["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]];
const words = new Intl.RelativeTimeFormat("en", {numeric: "auto"});
const ago = then => {
  const seconds = (then - Date.now()) / 1000;
  const [unit, size] = UNITS.find(([, size]) => Math.abs(seconds) >= size) || UNITS[3];
  return words.format(Math.round(seconds / size), unit);
};
const tellTimes = () => document.querySelectorAll("time").forEach(one => {
  const told = ago(Date.parse(one.dateTime));
  if (one.textContent !== told) one.textContent = told;
});
const showCopying = () => document.querySelectorAll("button[data-copy]").forEach(one => { one.hidden = !navigator.clipboard; });
document.addEventListener("click", event => {
  const button = event.target.closest("button[data-copy]");
  if (!button) return;
  navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent).then(
    () => { button.textContent = "Copied"; setTimeout(() => { button.textContent = "Copy"; }, 1500); },
    () => { button.textContent = "Not allowed"; });
});
document.querySelectorAll("form.filters select, form.filters input[type=checkbox]").forEach(one =>
  one.addEventListener("change", () => one.form.requestSubmit()));

// What the server sent of each part, before the script changed anything in it.
const sent = new Map();
const parts = page => page.querySelectorAll("[data-part]");
parts(document).forEach(part => sent.set(part.dataset.part, part.outerHTML));
const put = (old, part) => {
  const focused = document.activeElement, inside = old.contains(focused), id = inside && focused.id;
  const log = old.querySelector("#log");
  const top = log && log.scrollTop, atEnd = log && log.scrollHeight - log.scrollTop - log.clientHeight < 40;
  old.querySelectorAll("details[id]").forEach(one => {
    const same = part.querySelector("#" + CSS.escape(one.id));
    if (same) same.open = one.open;
  });
  old.replaceWith(part);
  const now = document.getElementById("log");
  if (log && now) now.scrollTop = atEnd ? now.scrollHeight : top;
  if (id && document.getElementById(id)) document.getElementById(id).focus();
  else if (inside) part.querySelector("a, button, summary, [tabindex]")?.focus();
};
const trouble = document.getElementById("trouble");
let wait = Number(document.body.dataset.again);
const look = async () => {
  if (document.hidden) return;
  try {
    const answer = await fetch(location.href, {redirect: "error"});
    if (answer.status === 401) { trouble.textContent = "Not live: your session has ended"; wait = 0; return; }
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    parts(page).forEach(part => {
      const name = part.dataset.part, html = part.outerHTML;
      const old = document.querySelector(`[data-part="${CSS.escape(name)}"]`);
      if (old && sent.get(name) !== html) { sent.set(name, html); put(old, document.importNode(part, true)); }
    });
    wait = Number(page.body.dataset.again);
    document.title = page.title;
    trouble.textContent = "";
  } catch { trouble.textContent = "Not live: the server does not answer"; wait = 5; }
  tellTimes(); showCopying();
};
const round = async () => { await look(); if (wait) setTimeout(round, wait * 1000); };
if (wait) setTimeout(round, wait * 1000);
document.addEventListener("visibilitychange", () => { if (!document.hidden) look(); });
tellTimes(); showCopying(); setInterval(tellTimes, 10000);
const end = document.getElementById("log");
if (end) end.scrollTop = end.scrollHeight;
