/* What can go wrong between the page and the server. */

/** The server said no (`code`, `message`, perhaps the `field`), or could not be reached (`unreachable`). */
export class Failure extends Error {
  readonly code: string;
  readonly field: string | undefined;
  readonly status: number;
  /** Seconds to wait, where the server says so. */
  readonly retryAfter: number;

  constructor(code: string, message: string, more: { field?: string | undefined; status?: number; retryAfter?: number } = {}) {
    super(message);
    this.code = code;
    this.field = more.field;
    this.status = more.status ?? 0;
    this.retryAfter = more.retryAfter ?? 0;
  }

  /** Whether the same request may well succeed later, so that it is to be kept. */
  get passing(): boolean {
    return PASSING.has(this.code) || this.status >= 500 || (this.retryAfter > 0 && this.retryAfter <= PATIENCE_SECONDS);
  }
}

/** A longer wait (slow mode may ask for it) is the visitor's to decide about. */
const PATIENCE_SECONDS = 60;
const PASSING = new Set(["unreachable", "too_fast", "busy", "internal", "signed_out", "database_away"]);

/** The failure for a server that did not answer. */
export function unreachable(why: unknown = ""): Failure {
  return new Failure("unreachable", `The server cannot be reached. ${String(why)}`.trim());
}

/** Whatever was thrown, as a failure: a fault of the page itself is written to the console too. */
export function asFailure(error: unknown): Failure {
  if (error instanceof Failure) return error;
  console.error(error);
  return new Failure("internal", String(error));
}
