/* Calls to the API with the session's cookie. */

import { Failure, unreachable } from "./failure.ts";

const BASE = "/api/v1";

interface Refusal {
  error?: { code?: string; message?: string; field?: string };
}

/** Ask the API: the path is below /api/v1. Returns the parsed answer; throws `Failure`. */
export async function call<T = unknown>(method: string, path: string, body?: unknown): Promise<T> {
  return send<T>(method, path, body === undefined ? {} : { headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
}

/** Put a file as it is. */
export async function upload<T = unknown>(path: string, file: Blob): Promise<T> {
  return send<T>("PUT", path, { headers: { "Content-Type": file.type || "application/octet-stream" }, body: file });
}

/** A path with its parameters, those that are empty left out. */
export function query(path: string, parameters: Record<string, string | number | undefined>): string {
  const given = Object.entries(parameters).filter(([, value]) => value !== undefined && value !== "");
  const search = new URLSearchParams(given.map(([name, value]) => [name, String(value)]));
  return given.length ? `${path}?${search}` : path;
}

async function send<T>(method: string, path: string, init: RequestInit): Promise<T> {
  let response: Response;
  try {
    response = await fetch(BASE + path, { ...init, method });
  } catch (error) {
    throw unreachable(error);
  }
  const answer = await parsed(response);
  if (response.ok && answer !== undefined) return answer as T;
  const refused = (answer as Refusal | undefined)?.error;
  const status = response.ok ? 502 : response.status;
  throw new Failure(refused?.code ?? "http_error", refused?.message ?? `HTTP ${status}`, {
    field: refused?.field,
    status,
    retryAfter: Number(response.headers.get("Retry-After")) || 0,
  });
}

/** The answer, or undefined: a proxy between us may answer with something else than JSON. */
async function parsed(response: Response): Promise<unknown> {
  try {
    return await response.json();
  } catch {
    return undefined;
  }
}
