// Stands in for @gantry/platform where a test is about `gantry dev` itself: it registers versions and has no runs.
import { createServer } from "node:http";

if (process.env.FAKE_PLATFORM_FAILS) {
  console.log(JSON.stringify({ level: "fatal", msg: "no database", err: { message: "connect ECONNREFUSED" } }));
  process.exit(1);
}

const versions = new Map();
const server = createServer(async (request, response) => {
  let text = "";
  for await (const chunk of request) text += chunk;
  const { pathname } = new URL(request.url, "http://fake");
  const reply = (body) => response.setHeader("content-type", "application/json").end(JSON.stringify(body));
  if (pathname === "/readyz") return reply({ status: "ok" });
  if (pathname === "/api/v1/runs") return reply({ data: [], pagination: {} });
  if (pathname !== "/api/v1/deployments") return response.writeHead(404).end("{}");
  const body = JSON.parse(text);
  if (!versions.has(body.contentHash)) versions.set(body.contentHash, `20260101.${versions.size + 1}`);
  reply({
    id: "deployment_1",
    version: versions.get(body.contentHash),
    createdAt: new Date().toISOString(),
    status: "DEPLOYED",
  });
});
server.listen(Number(process.env.GANTRY_PLATFORM_PORT), "127.0.0.1");
const stop = () => process.exit(0);
process.once("SIGTERM", stop).once("disconnect", stop);
