import { join } from "node:path";
import express from "express";
import { createApp } from "./app.ts";

const { GANTRY_API_URL, GANTRY_SECRET_KEY, PUBLIC_API_URL, PORT = "5173", NODE_ENV } = process.env;
if (!GANTRY_SECRET_KEY) {
  console.error(
    "Write the line GANTRY_SECRET_KEY=… that `gantry dev` prints into examples/live/.env, then start again.",
  );
  process.exit(1);
}

const apiUrl = GANTRY_API_URL ?? "http://localhost:4400";
const app = createApp({ apiUrl, publicApiUrl: PUBLIC_API_URL ?? apiUrl, secretKey: GANTRY_SECRET_KEY });
const root = join(import.meta.dirname, "..");
if (NODE_ENV === "production") {
  app.use(express.static(join(root, "dist")));
} else {
  const { createServer } = await import("vite");
  const vite = await createServer({ configFile: join(root, "vite.config.ts"), server: { middlewareMode: true } });
  app.use(vite.middlewares);
}
app.listen(Number(PORT), () => console.log(`Open http://localhost:${PORT}`));
