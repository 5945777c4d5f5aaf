/** What the Kubernetes API answered other than well, or that it did not answer: `status` is 0 then. */
export class KubeError extends Error {
  override readonly name = "KubeError";
  readonly status: number;
  /** Kubernetes' own word: AlreadyExists, NotFound, Forbidden, …; empty where there was no answer. */
  readonly reason: string;
  readonly retryAfterMs: number | undefined;

  constructor(status: number, reason: string, message: string, retryAfterMs?: number) {
    super(message);
    this.status = status;
    this.reason = reason;
    this.retryAfterMs = retryAfterMs;
  }

  /** Nothing was decided about the request: it may be asked again. */
  get isTransient(): boolean {
    if (this.status === 0 || this.status === 429 || this.status === 503 || this.status === 504) return true;
    return this.status >= 500 && !/webhook/.test(this.message);
  }
}

/** From an answer that is not 2xx: a Status object, or whatever a proxy before the API says. */
export function kubeError(status: number, body: string, retryAfter: string | undefined): KubeError {
  const seconds = Number(retryAfter);
  const retryAfterMs = retryAfter === undefined || Number.isNaN(seconds) ? undefined : seconds * 1000;
  try {
    const { reason = "", message = "" } = JSON.parse(body) as { reason?: string; message?: string };
    return new KubeError(status, reason, message || `HTTP ${status}`, retryAfterMs);
  } catch {
    return new KubeError(status, "", `HTTP ${status}: ${body.slice(0, 200)}`, retryAfterMs);
  }
}
