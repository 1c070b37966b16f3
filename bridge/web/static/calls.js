/* Calls to the API, with the session's cookie. */

/** The server said no (`status`, `code`, `message`), or could not be reached (`status` 0). */
export class CallError extends Error {
  constructor(status, error, retryAfter = 0) {
    super(error.message);
    this.status = status;
    this.code = error.code;
    this.retryAfter = retryAfter;
  }
}

/** Ask the API; returns the parsed answer, throws CallError. */
export async function call(method, path, body) {
  let response;
  try {
    response = await fetch(path, {
      method,
      headers: body === undefined ? {} : { "Content-Type": "application/json" },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
  } catch (error) {
    throw new CallError(0, { code: "unreachable", message: String(error) });
  }
  let answer = null;
  try {
    answer = await response.json();
  } catch {
    // A proxy between us may answer with something else than JSON: the status tells enough.
  }
  if (response.ok && answer !== null) return answer;
  const status = response.ok ? 502 : response.status;
  const error = answer?.error ?? { code: "http_error", message: `HTTP ${status}` };
  throw new CallError(status, error, Number(response.headers.get("Retry-After")) || 0);
}

/** A name for something sent that no other will have; it needs no secure context. */
export function newId() {
  return [...crypto.getRandomValues(new Uint8Array(12))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Leave for the door; the way back is kept. */
export function goToDoor() {
  location.assign(`/login?next=${encodeURIComponent(location.pathname)}`);
}
