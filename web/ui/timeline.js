// The timeline of one deployment, live. After a lost connection it goes on from the entry that came
// last, unless there is no such deployment any more.

import { fault, request } from "./api.js";
import { messages } from "./stream.js";

const FIRST_WAIT_MS = 1000;
const MOST_WAIT_MS = 15000;

export function follow(uuid, told) {
  const over = new AbortController();
  keepReading(uuid, told, over.signal);
  return () => over.abort();
}

async function keepReading(uuid, told, signal) {
  let last = null, wait = FIRST_WAIT_MS;
  while (!signal.aborted) {
    try {
      const answer = await open(uuid, last, signal);
      if (answer.status === 204) return; // all was told before
      told.lost(null);
      wait = FIRST_WAIT_MS;
      for await (const one of messages(answer.body)) {
        last = one.id ?? last;
        if (tell(one, told)) return;
      }
    } catch (trouble) {
      if (signal.aborted) return;
      told.lost(trouble.status === 404 ? trouble.message : "The timeline is interrupted; trying again.");
      if (trouble.status === 404) return;
    }
    await pause(wait, signal);
    wait = Math.min(MOST_WAIT_MS, wait * 2);
  }
}

async function open(uuid, last, signal) {
  const bookmark = last ? { "Last-Event-ID": last } : {};
  const answer = await request(`/deployments/${encodeURIComponent(uuid)}/events`, {
    headers: { Accept: "text/event-stream", ...bookmark },
    signal,
  });
  if (!answer.ok) throw await fault(answer);
  return answer;
}

// Whether that was the end.
function tell(one, told) {
  const data = JSON.parse(one.data);
  if (one.event === "status") told.status(data);
  else if (one.event === "end") told.end(data.reason);
  else told.entry(data);
  return one.event === "end";
}

function pause(milliseconds, signal) {
  return new Promise((done) => {
    const timer = setTimeout(done, milliseconds);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      done();
    }, { once: true });
  });
}
