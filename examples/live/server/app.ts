import { auth, runs, tasks } from "@gantry/sdk";
import express, { type Express } from "express";
import type { importContacts } from "../tasks/import-contacts.ts";

export interface AppOptions {
  /** Where the platform is, as the backend reaches it and as the browser does. */
  apiUrl: string;
  publicApiUrl?: string;
  secretKey: string;
  paceMs?: number;
}

/** How long a page may read its run with one token; it gets another from us then. */
const TOKEN_LIFE = "15m";

/** The backend: it holds the secret key, starts and cancels imports, and gives pages tokens that may read one run. */
export function createApp({ apiUrl, publicApiUrl = apiUrl, secretKey, paceMs }: AppOptions): Express {
  const requestOptions = { clientConfig: { baseURL: apiUrl, secretKey } };
  const app = express();

  app.get("/api/config", (_request, response) => void response.json({ apiUrl: publicApiUrl }));

  app.post("/api/imports", express.text({ type: "text/csv", limit: "2mb" }), async (request, response) => {
    if (typeof request.body !== "string" || request.body.trim() === "") {
      response.status(400).json({ error: "The file is empty." });
      return;
    }
    const payload = { csv: request.body, ...(paceMs !== undefined && { paceMs }) };
    const { id } = await tasks.trigger<typeof importContacts>("import-contacts", payload, undefined, requestOptions);
    response.status(201).json({ runId: id });
  });

  // In an app with users these two ask first whether the run is the user's.
  app.post("/api/imports/:runId/token", async (request, response) => {
    const { runId } = request.params;
    const token = await auth.withAuth({ baseURL: apiUrl, secretKey }, () =>
      auth.createPublicToken({ scopes: { read: { runs: runId } }, expirationTime: TOKEN_LIFE }),
    );
    response.json({ token });
  });
  app.post("/api/imports/:runId/cancel", async (request, response) => {
    await runs.cancel(request.params.runId, requestOptions);
    response.status(202).json({});
  });
  return app;
}
