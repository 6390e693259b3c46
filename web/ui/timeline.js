// The timeline of one deployment, live. EventSource comes back by itself after a lost connection, but
// gives up after an answer that is an error (503 while partitions move): then it is begun anew here,
// from the entry that came last, unless there is no such deployment any more.

import { api } from "./api.js";

const FIRST_WAIT_MS = 1000;
const MOST_WAIT_MS = 15000;

export function follow(uuid, { entry, status, end, lost }) {
  let source, timer, last = "", wait = FIRST_WAIT_MS, ended = false;

  function open() {
    const query = last ? `?lastEventId=${encodeURIComponent(last)}` : "";
    source = new EventSource(`/deployments/${encodeURIComponent(uuid)}/events${query}`);
    source.onopen = () => {
      wait = FIRST_WAIT_MS;
      lost(null);
    };
    source.onmessage = (message) => {
      last = message.lastEventId || last;
      entry(JSON.parse(message.data));
    };
    source.addEventListener("status", (message) => status(JSON.parse(message.data)));
    source.addEventListener("end", (message) => {
      close();
      end(JSON.parse(message.data).reason);
    });
    source.onerror = () => {
      if (ended) return;
      lost("The timeline is interrupted; trying again.");
      if (source.readyState !== EventSource.CLOSED) return;
      timer = setTimeout(again, wait);
      wait = Math.min(MOST_WAIT_MS, wait * 2);
    };
  }

  async function again() {
    try {
      await api(`/deployments/${encodeURIComponent(uuid)}`);
    } catch (fault) {
      if (fault.status === 404) {
        close();
        lost(fault.message);
        return;
      }
    }
    if (!ended) open();
  }

  function close() {
    ended = true;
    clearTimeout(timer);
    source.close();
  }

  open();
  return close;
}
