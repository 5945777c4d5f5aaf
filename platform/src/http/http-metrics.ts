import { Counter, Histogram, type Registry } from "prom-client";

const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

export interface HttpMetrics {
  observe(method: string, route: string, status: number, seconds: number): void;
  refused(reason: "rate" | "auth" | "access"): void;
}

/** How long requests took by route and status, and how many were refused. A registry is asked once. */
export function createHttpMetrics(registry: Registry): HttpMetrics {
  const duration = new Histogram({
    name: "gantry_http_request_duration_seconds",
    help: "Time from a request's arrival to its answer, by route pattern.",
    labelNames: ["method", "route", "status"],
    buckets: SECONDS,
    registers: [registry],
  });
  const refused = new Counter({
    name: "gantry_http_refused_total",
    help: "Requests refused before their handler: by the rate limit, for want of a valid credential, or of its scope.",
    labelNames: ["reason"],
    registers: [registry],
  });
  return {
    observe: (method, route, status, seconds) => duration.observe({ method, route, status: String(status) }, seconds),
    refused: (reason) => refused.inc({ reason }),
  };
}
