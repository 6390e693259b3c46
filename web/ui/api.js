// The REST API. Every fault comes as an Error with a sentence, the status and the list of faults.

const TIMEOUT_MS = 20000;

export async function api(path, options = {}) {
  let answer;
  try {
    answer = await fetch(path, {
      ...options,
      headers: { Accept: "application/json", ...options.headers },
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
  } catch {
    throw Object.assign(new Error("The service cannot be reached; trying again."), { status: 0 });
  }
  const text = await answer.text();
  let body = null;
  try {
    body = text ? JSON.parse(text) : null;
  } catch {
    body = { message: text.slice(0, 500) };
  }
  if (!answer.ok) {
    const message = body?.message ?? answer.statusText;
    throw Object.assign(new Error(message), { status: answer.status, faults: body?.faults ?? [] });
  }
  return body;
}

export function post(path, body) {
  return api(path, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
}

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
