// What the pages of a customer do beyond links and forms: keys of work lists, tabs and the picture, and the slider's date.
"use strict";

function step(list, by) {
  const rows = [...list.children];
  const at = rows.findIndex((row) => row.contains(document.activeElement));
  const next = at < 0 ? 0 : Math.min(Math.max(at + by, 0), rows.length - 1);
  rows[next].focus();
}

document.addEventListener("keydown", (event) => {
  const list = document.querySelector("[data-worklist]");
  const typing = event.target.matches("input, select, textarea");
  if (!list || typing || event.ctrlKey || event.altKey || event.metaKey) return;
  if (event.key === "j") step(list, 1);
  else if (event.key === "k") step(list, -1);
  else if (event.target.parentElement === list) event.target.querySelector(`[data-key="${CSS.escape(event.key)}"]`)?.click();
});

// Arrow keys go from tab to tab, and from link to link of a picture, which is one stop of the Tab key.
const steps = { ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1 };
document.addEventListener("keydown", (event) => {
  const group = event.target.closest(".tabs, .graph");
  if (!group || event.ctrlKey || event.altKey || event.metaKey || event.shiftKey) return;
  const links = [...group.querySelectorAll("a")], last = links.length - 1;
  const next = { Home: 0, End: last }[event.key] ?? links.indexOf(event.target) + steps[event.key];
  if (!(next >= 0 && next <= last)) return;
  event.preventDefault();
  if (group.matches(".graph")) rove(links, links[next]);
  links[next].focus();
});

function rove(links, stop) {
  for (const link of links) link.tabIndex = link === stop ? 0 : -1;
}
for (const graph of document.querySelectorAll(".graph")) rove([...graph.querySelectorAll("a")], graph.querySelector("a"));

document.addEventListener("input", (event) => {
  const slider = event.target;
  if (!slider.matches("[data-first-day]")) return;
  const day = new Date(`${slider.dataset.firstDay}T00:00:00Z`);
  day.setUTCDate(day.getUTCDate() + Number(slider.value));
  const text = day.toISOString().slice(0, 10);
  slider.setAttribute("aria-valuetext", text);
  slider.form.querySelector("output").textContent = text;
});

document.addEventListener("pointerup", (event) => {
  const slider = event.target;
  if (slider.matches("[data-first-day]") && slider.value !== slider.defaultValue) slider.form.requestSubmit();
});

// After a decision the list goes on with its first entry, without a mouse.
if (new URLSearchParams(location.search).has("done")) document.querySelector("[data-worklist] > li")?.focus();

// Of many tabs the open one is in sight.
for (const tab of document.querySelectorAll(".tab[aria-current]")) {
  const box = tab.parentElement.getBoundingClientRect(), place = tab.getBoundingClientRect();
  tab.parentElement.scrollLeft += Math.min(Math.max(0, place.right - box.right), place.left - box.left); // the page itself stays at its top
}

// A conversation opens at the event that the address names, else at its latest one.
const named = document.getElementById("event");
if (named) {
  named.scrollIntoView({ block: "center" });
  named.focus({ preventScroll: true });
} else {
  document.querySelector(".conversation")?.scrollIntoView({ block: "end" });
}

// A dialog that was fetched opens over the page. Escape, its link to cancel, and a click beside it close it; then the browser gives the focus back.
const dialog = document.getElementById("dialog-place");
document.addEventListener("htmx:after:swap", () => {
  if (!dialog?.firstElementChild || dialog.open) return;
  dialog.showModal();
  dialog.querySelector("input:not([type=hidden], [disabled]), button")?.focus();
});
dialog?.addEventListener("close", () => dialog.replaceChildren());
dialog?.addEventListener("click", (event) => {
  if (event.target !== dialog && !event.target.closest("[data-cancels]")) return;
  event.preventDefault();
  dialog.close();
});
