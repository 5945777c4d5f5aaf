// Makes the bundled registry reachable by this node's container runtime, which takes plain HTTP from localhost alone: bytes
// that come to 127.0.0.1 are handed to the registry's Service. `node registry-forward.mjs <port> <host> <port>`.
import { connect, createServer } from "node:net";

const [port, registryHost, registryPort] = process.argv.slice(2);

const server = createServer((client) => {
  const registry = connect({ host: registryHost, port: Number(registryPort) });
  client.pipe(registry).pipe(client);
  client.on("error", () => registry.destroy());
  client.on("close", () => registry.destroy());
  registry.on("error", (error) => {
    console.error(`${registryHost}:${registryPort} cannot be reached: ${error.message}`);
    client.destroy();
  });
  registry.on("close", () => client.destroy());
});
server.on("error", (error) => {
  console.error(
    `127.0.0.1:${port} cannot be used (${error.message}); set registry.hostPort to a port that is free on every node.`,
  );
  process.exit(1);
});
server.listen(Number(port), "127.0.0.1", () =>
  console.log(`127.0.0.1:${port} leads to ${registryHost}:${registryPort}`),
);
process.on("SIGTERM", () => process.exit(0));
