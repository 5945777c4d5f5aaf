import type { SessionEnvironment } from "../session/session.ts";

const KEY = "gantry.environment";

/** Remembers where somebody was, for the next visit. */
export function rememberPlace({ project, environment }: { project: string; environment: string }): void {
  try {
    localStorage.setItem(KEY, JSON.stringify({ project, environment }));
  } catch {
    // A browser that stores nothing begins with the first environment.
  }
}

/** The environment to begin with: the last one, else the first, where there is any. */
export function firstPlace(environments: readonly SessionEnvironment[]): SessionEnvironment | undefined {
  let last: Partial<SessionEnvironment> = {};
  try {
    last = (JSON.parse(localStorage.getItem(KEY) ?? "{}") ?? {}) as Partial<SessionEnvironment>;
  } catch {
    // The same.
  }
  const isLast = (each: SessionEnvironment) => each.project === last.project && each.environment === last.environment;
  return environments.find(isLast) ?? environments[0];
}
