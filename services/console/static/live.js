// Lists that stay current while they are read. Rows on screen are updated where they are; rows that are new or belong
// elsewhere are only counted, until the reader asks for them, so that nothing moves under the eyes.
"use strict";

const liveList = document.querySelector("[data-live]");
let latest = null; // the list as it is by now, when it differs from the one on screen
let asking = false;

const rowsIn = (list) => new Map([...list.querySelectorAll("[data-row]")].map((row) => [row.dataset.row, row]));

// How many of the keys have to move to bring `shown` into the order of `wanted`, which has the same keys.
function moved(shown, wanted) {
  const places = wanted.map((key) => shown.indexOf(key));
  const longest = places.map(() => 1); // rising places that end here stay where they are
  places.forEach((place, at) => {
    for (let before = 0; before < at; before++) if (places[before] < place) longest[at] = Math.max(longest[at], longest[before] + 1);
  });
  return wanted.length - Math.max(0, ...longest);
}

function difference(shown, wanted) {
  const both = [...shown.keys()].filter((key) => wanted.has(key));
  const added = [...wanted.keys()].filter((key) => !shown.has(key)).length;
  const elsewhere = moved(both, [...wanted.keys()].filter((key) => shown.has(key)));
  return added + elsewhere || shown.size - both.length;
}

// Takes over what differs, but for what the reader has the focus in, or has filled in.
function update(row, fresh) {
  [...row.children].forEach((part, at) => {
    const other = fresh.children[at];
    const used = part.contains(document.activeElement) || part.querySelector("input, details[open]");
    if (other && !used && part.innerHTML !== other.innerHTML) part.replaceWith(other.cloneNode(true));
  });
}

function compare(fresh) {
  const shown = rowsIn(liveList), wanted = rowsIn(fresh.querySelector("[data-live]"));
  for (const [key, row] of shown) if (wanted.has(key)) update(row, wanted.get(key));
  const count = difference(shown, wanted);
  const button = liveList.previousElementSibling.querySelector("button");
  latest = count ? fresh : null;
  const text = count ? button.dataset.text.replace("{}", count.toLocaleString()) : "";
  if (button.textContent !== text) button.textContent = text;
  button.hidden = !count;
}

async function ask() {
  if (asking || document.hidden) return;
  asking = true;
  try {
    const answer = await fetch(location.href, { headers: { "HX-Request": "true" }, credentials: "same-origin" });
    const fresh = answer.status === 200 ? new DOMParser().parseFromString(await answer.text(), "text/html") : null;
    if (fresh?.querySelector("[data-live]")) compare(fresh);
  } catch {
    // The service is away for a moment: the next time will do.
  } finally {
    asking = false;
  }
}

function show() {
  const button = liveList.previousElementSibling.querySelector("button");
  for (const part of document.querySelectorAll("[data-live-part]")) {
    const other = latest.querySelector(`[data-live-part="${part.dataset.livePart}"]`);
    if (other) part.replaceWith(document.adoptNode(other));
  }
  const ticked = new Set([...liveList.querySelectorAll("input[name=id]:checked")].map((one) => one.value));
  liveList.replaceChildren(...document.adoptNode(latest.querySelector("[data-live]")).childNodes);
  for (const tick of liveList.querySelectorAll("input[name=id]")) tick.checked = ticked.has(tick.value);
  readyToChoose();
  latest = null;
  button.hidden = true;
  button.textContent = "";
  liveList.querySelector("[tabindex], a, button")?.focus();
}

if (liveList) {
  liveList.previousElementSibling.querySelector("button").addEventListener("click", show);
  setInterval(ask, Number(liveList.dataset.live) * 1000);
  document.addEventListener("visibilitychange", ask);
}
