// What pages do beyond links and forms. Every page also works without it, but for the count while building.
"use strict";

document.addEventListener("change", (event) => {
  const changed = event.target;
  if (changed.matches("[data-submit-on-change]")) changed.form.requestSubmit();
  if (changed.matches("[data-operator]")) showOperator(changed);
  if (changed.matches("[data-needs-key]")) showKey(changed);
  if (changed.matches("[data-ticks-all]")) for (const tick of ticksOf(changed.form)) tick.checked = changed.checked;
  if (changed.form?.querySelector("[data-ticked]")) showTicked(changed.form);
});

// The boxes of a list's rows, which belong to its form though they are not within it.
function ticksOf(form) {
  return [...form.elements].filter((one) => one.name === "id");
}

// Says how many rows are chosen; with all that match, single ticks don't matter.
function showTicked(form) {
  const ticks = ticksOf(form), all = form.elements.all.checked, status = form.querySelector("[data-ticked]");
  const number = ticks.filter((one) => one.checked).length, every = form.querySelector("[data-ticks-all]");
  every.checked = number === ticks.length;
  every.indeterminate = number > 0 && number < ticks.length;
  status.textContent = all || number ? status.dataset.ticked.replace("#", all ? status.dataset.total : number) : "";
}

// Shows the input for a key only where the choice needs one.
function showKey(select) {
  select.nextElementSibling.hidden = select.value !== select.dataset.needsKey;
}

// Shows only the inputs that belong to the chosen operator.
function showOperator(select) {
  for (const part of select.form.querySelectorAll("[data-for]")) {
    const wanted = part.dataset.for.split(" ").includes(select.value);
    part.hidden = !wanted;
    for (const input of part.querySelectorAll("input, select")) input.disabled = !wanted;
  }
}

// Copies a text that is to be entered elsewhere. Without the right to do so it is only selected.
document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  const input = document.getElementById(button.dataset.copy);
  input.select();
  await navigator.clipboard.writeText(input.value);
  button.firstChild.data = button.dataset.copied;
});

function ready() {
  if (navigator.clipboard) for (const button of document.querySelectorAll("[data-copy]")) button.hidden = false;
  // Where the facets stand beside the list they are open; above it they would push it off a small screen.
  for (const box of document.querySelectorAll("details[data-open-when-wide]")) box.open = matchMedia("(min-width: 901px)").matches;
  for (const select of document.querySelectorAll("[data-operator]")) showOperator(select);
  for (const select of document.querySelectorAll("[data-needs-key]")) showKey(select);
  readyToChoose();
}

// What a list that is shown anew needs, too.
function readyToChoose() {
  for (const part of document.querySelectorAll("[data-needs-script]")) part.hidden = false;
  for (const status of document.querySelectorAll("[data-ticked]")) showTicked(status.closest("form"));
}

// Says at the foot of the page what keeps it from being brought up to date; nothing, once it is again.
function sayProblem(name) {
  const place = document.getElementById("part-problem"), text = name ? place.dataset[name] : "";
  if (place.textContent.trim() === text) return;
  place.replaceChildren();
  if (!text) return;
  const notice = document.createElement("p");
  notice.className = "notice error";
  notice.role = "alert";
  notice.textContent = text;
  place.append(notice);
}

// What could not be loaded a moment ago is loaded again by now.
document.addEventListener("htmx:after:swap", (event) => {
  if (event.detail.ctx?.response?.status < 400) sayProblem("");
});
document.addEventListener("htmx:error", (event) => {
  if (event.detail.ctx && !event.detail.ctx.response) sayProblem("away");
});

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    menu.open = false;
    menu.querySelector("summary").focus();
  }
});
ready();
