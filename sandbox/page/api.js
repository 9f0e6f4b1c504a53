// Client of the sandbox's control API: requests, and the WebSocket of live updates.

export class InvalidAction extends Error {}
export class Unreachable extends Error {}

async function read(request) {
  const response = await request.catch(() => {
    throw new Unreachable("The sandbox is not responding.");
  });
  const body = await response.json();
  if (!response.ok) throw new InvalidAction(body.error ?? `The sandbox responded with status ${response.status}.`);
  return body;
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

// Uploads a file for an option of a command; returns the option's value.
export async function upload(me, file) {
  const answer = await read(fetch(`/control/upload?${new URLSearchParams({ as: me, filename: file.name })}`, {
    method: "POST",
    headers: { "Content-Type": "application/octet-stream" },
    body: file,
  }));
  return answer.id;
}

// Runs a request that nothing waits for. If the sandbox is unreachable, ignores it: the page shows that once and reconnects.
export async function inBackground(request) {
  try {
    await request;
  } catch (error) {
    if (!(error instanceof Unreachable)) throw error;
  }
}

const RETRY_FIRST_MS = 500;
const RETRY_MAX_MS = 5000;

// Calls onOpen() on every connection, onEvent(name, payload) for every event, and onClose() when the connection is lost.
// Returns a function that disconnects.
export function listen(me, { onOpen, onEvent, onClose }) {
  let socket = null;
  let retryMs = RETRY_FIRST_MS;
  let timer = null;
  let disconnected = false;

  const connect = () => {
    socket = new WebSocket(`ws://${location.host}/control/events?${new URLSearchParams({ as: me })}`);
    socket.addEventListener("open", () => {
      retryMs = RETRY_FIRST_MS;
      onOpen();
    });
    socket.addEventListener("message", (event) => {
      const frame = JSON.parse(event.data);
      if (!disconnected) onEvent(frame.t, frame.d);
    });
    socket.addEventListener("close", () => {
      if (disconnected) return;
      onClose();
      timer = setTimeout(connect, retryMs);
      retryMs = Math.min(retryMs * 2, RETRY_MAX_MS);
    });
  };
  connect();
  return () => {
    disconnected = true;
    clearTimeout(timer);
    socket.close();
  };
}
