// Pages that stay current while they are read. A stream says when something may have changed; without it they look by
// the clock. Rows on screen are updated where they are; rows that are new or belong elsewhere are only counted, until
// the reader asks for them, so that nothing moves under the eyes.
"use strict";

const liveList = document.querySelector("[data-live]");
const liveArea = document.querySelector("[data-live-stream]"); // its seconds are the least time between two looks
let latest = null; // the list as it is by now, when it differs from the one on screen
let asking = false;
let stream = null;
let lastLook = 0, nextLook = null;

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
  if (asking) return;
  asking = true;
  try {
    const answer = await fetch(location.href, { headers: { "HX-Request": "true" }, credentials: "same-origin" });
    const fresh = answer.status === 200 ? new DOMParser().parseFromString(await answer.text(), "text/html") : null;
    if (fresh?.querySelector("[data-live]")) compare(fresh);
    sayProblem(answer.status === 204 ? "signedOut" : answer.status >= 500 ? "away" : "");
  } catch {
    sayProblem("away"); // for a moment: it is asked again and again
  } finally {
    asking = false;
  }
}

function show() {
  if (!liveList.querySelector("[data-row]")) return location.reload(); // of the first customers, all else of the page comes too
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

// Looks now, or as soon as the least time since the last look is over. An area without rows asks by itself, through htmx.
function look() {
  if (document.hidden || nextLook !== null) return;
  const wait = lastLook + Number(liveArea.dataset.liveEvery) * 1000 - Date.now();
  nextLook = setTimeout(() => {
    nextLook = null;
    lastLook = Date.now();
    if (liveList) ask();
    else document.querySelector("[data-live-stream]")?.dispatchEvent(new Event("live"));
  }, Math.max(0, wait));
}

// A browser has few connections to a host, so only the page in sight holds one.
function listen() {
  if (document.hidden) {
    stream?.close();
    stream = null;
  } else if (stream === null || stream.readyState === EventSource.CLOSED) {
    stream = new EventSource(liveArea.dataset.liveStream);
    stream.addEventListener("message", look);
  }
}

if (liveArea) {
  if (liveList) liveList.previousElementSibling.querySelector("button").addEventListener("click", show);
  listen();
  document.addEventListener("visibilitychange", () => { listen(); look(); });
  addEventListener("pagehide", () => { stream?.close(); stream = null; });
  addEventListener("pageshow", (event) => { if (event.persisted) { listen(); look(); } });
  // By the clock: once for what changed before the stream began, then as long as there is no stream.
  let first = true;
  setInterval(() => {
    if (stream?.readyState === EventSource.OPEN && !first) return;
    first = false;
    look();
    listen();
  }, Number(liveArea.dataset.livePoll) * 1000);
}
