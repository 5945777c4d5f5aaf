import { errorReplySchema } from "@gantry/sdk/contract";
import { AppError } from "../../errors.ts";
import { type Route, route } from "../route.ts";

/** Paths of Trigger.dev's API that are not served yet, with what to do meanwhile: a plain 404 would look like a wrong address. */
const LATER: readonly { paths: readonly string[]; what: string; instead: string }[] = [
  {
    paths: ["/realtime/v1/*rest"],
    what: "Realtime subscriptions of Trigger.dev's clients",
    instead:
      "Use runs.subscribeToRun() of @gantry/sdk or the hooks of @gantry/sdk/react, which have the same names. Poll with runs.retrieve() or runs.poll() where that cannot be.",
  },
  {
    paths: ["/engine/v1/*rest"],
    what: "Waits of Trigger.dev's own runs",
    instead: "Use @gantry/sdk in tasks; `gantry init --from-trigger` converts them.",
  },
  {
    paths: ["/api/v1/projects/:ref/runs"],
    what: "Runs of a whole project",
    instead: "List with a key of each environment.",
  },
  {
    paths: ["/api/v1/concurrency-limits", "/api/v1/concurrency-limits/*rest"],
    what: "Named concurrency limits",
    instead: "Use a queue with a concurrencyLimit.",
  },
  { paths: ["/api/v1/runs/:runId/spans/:spanId"], what: "Single spans", instead: "Read the run's events." },
  {
    paths: ["/api/v1/sessions", "/api/v1/sessions/*rest", "/api/v1/prompts", "/api/v1/prompts/*rest"],
    what: "Sessions and prompts",
    instead: "They are not part of Gantry.",
  },
];

export function laterRoutes(): Route[] {
  return LATER.flatMap(({ paths, what, instead }) =>
    paths.flatMap((path) =>
      (["get", "post", "put", "delete"] as const).map((method) =>
        route({
          method,
          path,
          tag: "not served yet",
          summary: `${what}: 501. ${instead}`,
          access: { by: "none" },
          reply: errorReplySchema,
          status: 501,
          handle() {
            throw new AppError("NOT_IMPLEMENTED", `${what} are not served yet. ${instead}`);
          },
        }),
      ),
    ),
  );
}
