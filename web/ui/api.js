// The REST API. Every fault comes as an Error with a sentence, the status and the list of faults.

import * as login from "./login.js";

const TIMEOUT_MS = 20000;

export async function api(path, options = {}) {
  const answer = await request(path, { signal: AbortSignal.timeout(TIMEOUT_MS), ...options });
  if (!answer.ok) throw await fault(answer);
  return read(answer);
}

// The answer, whatever it is, to a request with the login.
export async function request(path, options = {}) {
  if (login.isNeeded()) throw failure("A login is needed.", 401);
  const headers = { Accept: "application/json", ...options.headers, ...login.headers() };
  try {
    return await fetch(path, { ...options, headers });
  } catch {
    throw failure("The service cannot be reached; trying again.", 0);
  }
}

// The Error for an answer that is one.
export async function fault(answer) {
  const body = await read(answer);
  const message = body?.message ?? answer.statusText;
  if (answer.status === 401) login.refused(answer, message);
  return failure(message, answer.status, body?.faults);
}

export function post(path, body) {
  return api(path, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
}

async function read(answer) {
  const text = await answer.text();
  try {
    return text ? JSON.parse(text) : null;
  } catch {
    return { message: text.slice(0, 500) };
  }
}

const failure = (message, status, faults = []) => Object.assign(new Error(message), { status, faults });

// Calls `turn` now and then again and again, not while nobody looks at the page. Returns what ends it.
export function every(seconds, turn) {
  let timer, ended = false;
  const next = async () => {
    if (!document.hidden) await turn();
    if (!ended) timer = setTimeout(next, seconds * 1000);
  };
  next();
  return () => {
    ended = true;
    clearTimeout(timer);
  };
}
