// What pages do beyond links and forms. Every page also works without it, but for the count while building.
"use strict";

document.addEventListener("change", (event) => {
  const changed = event.target;
  if (changed.matches("[data-submit-on-change]")) changed.form.requestSubmit();
  if (changed.matches("[data-operator]")) showOperator(changed);
  if (changed.matches("[data-needs-key]")) showKey(changed);
});

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

function ready() {
  // Where the facets stand beside the list they are open; above it they would push it off a small screen.
  for (const box of document.querySelectorAll("details[data-open-when-wide]")) box.open = matchMedia("(min-width: 901px)").matches;
  for (const select of document.querySelectorAll("[data-operator]")) showOperator(select);
  for (const select of document.querySelectorAll("[data-needs-key]")) showKey(select);
}

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    menu.open = false;
    menu.querySelector("summary").focus();
  }
});
ready();
