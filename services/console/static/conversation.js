// A conversation that goes on while it is read: new events come below the last one, changed ones change where they are.
// Nothing is scrolled by itself; a line says how many are new, as long as they are out of sight.
"use strict";

const conversation = document.querySelector("[data-conversation]");
const OVERLAP = 10; // events on screen that are asked for again: one may have changed, or come late

const bubbles = (area) => [...area.querySelectorAll("[data-event]")];
const keyOf = (bubble) => `${bubble.dataset.contact} ${bubble.dataset.event}`;

// Takes over the events of an answer, the oldest first. What is older than all of them that are on screen is left out.
function takeOver(fresh) {
  const shown = new Map(bubbles(conversation).map((bubble) => [keyOf(bubble), bubble]));
  const added = [];
  let last = null;
  for (const bubble of bubbles(fresh)) {
    const known = shown.get(keyOf(bubble));
    if (known) {
      const differs = [".said", "header", ".muted"].some((part) => known.querySelector(part)?.innerHTML !== bubble.querySelector(part)?.innerHTML);
      if (differs && !known.contains(document.activeElement)) known.replaceChildren(...document.adoptNode(bubble).childNodes);
      last = known;
    } else if (last) {
      last.after(document.adoptNode(bubble));
      added.push(bubble);
      last = bubble;
    }
  }
  return added;
}

async function askForNewer() {
  const [first] = bubbles(conversation).slice(-OVERLAP);
  if (first && !conversation.querySelector("[data-latest]")) return; // what is on screen does not reach the end
  const address = new URL(conversation.dataset.conversation, location.href);
  if (first) address.searchParams.set("event", first.dataset.event);
  const answer = await fetch(address, { headers: { "HX-Request": "true" }, credentials: "same-origin" });
  if (answer.status !== 200) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  if (!first) {
    if (bubbles(fresh).length) location.reload(); // there was nothing to read
    return;
  }
  const added = takeOver(fresh);
  announce(added);
  if (added.length && !fresh.querySelector("[data-latest]")) await askForNewer();
}

const newOnes = new Set();
const line = conversation?.querySelector(".live-line button");
const seen = new IntersectionObserver((entries) => {
  for (const entry of entries) if (entry.isIntersecting) forget(entry.target);
});

function announce(added) {
  for (const bubble of added) {
    newOnes.add(bubble);
    seen.observe(bubble);
  }
  say();
}

function forget(bubble) {
  seen.unobserve(bubble);
  newOnes.delete(bubble);
  say();
}

function say() {
  line.hidden = !newOnes.size;
  const text = newOnes.size ? line.dataset.text.replace("{}", newOnes.size.toLocaleString()) : "";
  if (line.textContent !== text) line.textContent = text;
}

if (conversation) {
  let asking = false;
  conversation.addEventListener("live", async () => {
    if (asking) return;
    asking = true;
    try {
      await askForNewer();
    } catch {
      // The service is away for a moment: the next time will do.
    } finally {
      asking = false;
    }
  });
  line.addEventListener("click", () => {
    const first = bubbles(conversation).find((one) => newOnes.has(one));
    first.scrollIntoView({ block: "nearest" });
    first.tabIndex = -1;
    first.focus({ preventScroll: true });
  });
}
