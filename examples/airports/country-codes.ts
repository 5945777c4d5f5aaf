import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

const CODES: Record<string, string> = {
  USA: "US",
  Thailand: "TH",
  Palau: "PW",
  "N Mariana Islands": "MP",
  "Federated States of Micronesia": "FM",
};

/**
 * A stand-in for a service that is not always there: an HTTP server on this machine that answers 503 while `isDown`.
 * Returns its address and a way to close it.
 */
export async function startCountryService(isDown: boolean): Promise<{ url: string; close: () => Promise<void> }> {
  const server = createServer((_request, response) => {
    response.writeHead(isDown ? 503 : 200, { "content-type": "application/json" });
    response.end(JSON.stringify(isDown ? { error: "come back later" } : CODES));
  });
  await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
  const { port } = server.address() as AddressInfo;
  const close = () => new Promise<void>((closed) => server.close(() => closed()));
  return { url: `http://127.0.0.1:${port}/countries`, close };
}

/** Country name to its ISO code. Error: the service answers anything but 200. */
export async function fetchCountryCodes(url: string, signal: AbortSignal): Promise<Record<string, string>> {
  const response = await fetch(url, { signal, headers: { connection: "close" } });
  if (!response.ok) throw new Error(`The country service answered ${response.status}.`);
  return (await response.json()) as Record<string, string>;
}
