// An event stream as `fetch` reads it: unlike EventSource it can send the login.

// Yields { event, data, id } for each message; comments and `retry` are passed over.
export async function* messages(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "", one = fresh();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return; // what has not come whole is told again after the next begin
      const lines = (rest + value).split("\n");
      rest = lines.pop();
      for (const line of lines) {
        if (line === "") {
          if (one.data.length) yield { ...one, data: one.data.join("\n") };
          one = fresh();
        } else take(one, line);
      }
    }
  } finally {
    reader.cancel().catch(() => {}); // it is over already
  }
}

const fresh = () => ({ event: "message", data: [], id: null });

function take(one, line) {
  const colon = line.indexOf(":");
  const [name, value] = colon < 0 ? [line, ""] : [line.slice(0, colon), line.slice(colon + 1).replace(/^ /, "")];
  if (name === "data") one.data.push(value);
  else if (name === "event" || name === "id") one[name] = value;
}
