// The sandbox's control API: requests, and the stream of what changes.

export class NotPossible extends Error {}
export class Unreachable extends Error {}

async function read(request) {
  const response = await request.catch(() => {
    throw new Unreachable("The sandbox does not answer.");
  });
  const answer = await response.json();
  if (!response.ok) throw new NotPossible(answer.error ?? `The sandbox answered ${response.status}.`);
  return answer;
}

export async function get(name, query) {
  return read(fetch(`/control/${name}?${new URLSearchParams(query)}`));
}

export async function post(name, fields) {
  return read(fetch(`/control/${name}`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(fields),
  }));
}

// What is asked beside, without anybody waiting for it: when the sandbox is gone, the page says so once, and asks anew.
export async function inBackground(request) {
  try {
    await request;
  } catch (error) {
    if (!(error instanceof Unreachable)) throw error;
  }
}

const RETRY_FIRST_MS = 500;
const RETRY_MOST_MS = 5000;

// Calls opened() on every connection, heard(name, payload) for every event, lost() when it breaks; → a function that ends it.
export function listen(me, { opened, heard, lost }) {
  let socket = null;
  let retryMs = RETRY_FIRST_MS;
  let timer = null;
  let ended = false;

  const connect = () => {
    socket = new WebSocket(`ws://${location.host}/control/events?${new URLSearchParams({ as: me })}`);
    socket.addEventListener("open", () => {
      retryMs = RETRY_FIRST_MS;
      opened();
    });
    socket.addEventListener("message", (event) => {
      const frame = JSON.parse(event.data);
      if (!ended) heard(frame.t, frame.d);
    });
    socket.addEventListener("close", () => {
      if (ended) return;
      lost();
      timer = setTimeout(connect, retryMs);
      retryMs = Math.min(retryMs * 2, RETRY_MOST_MS);
    });
  };
  connect();
  return () => {
    ended = true;
    clearTimeout(timer);
    socket.close();
  };
}
