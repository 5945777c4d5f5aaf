import { Agent, request } from "node:http";

/**
 * HTTP as cheap as Node has it: client and platform share the machine's cores, and what is measured is the platform.
 * Keeps as many connections as there are requests in flight.
 */
export class HttpLoad {
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 64 });
  readonly #base: URL;
  readonly #authorization: string;

  constructor(baseUrl: string, key: string) {
    this.#base = new URL(baseUrl);
    this.#authorization = `Bearer ${key}`;
  }

  /** Errors: whatever is not 2xx, with its body. */
  post(path: string, body: string, contentType = "application/json"): Promise<string> {
    const headers = {
      authorization: this.#authorization,
      "content-type": contentType,
      "content-length": Buffer.byteLength(body),
    };
    const { hostname, port } = this.#base;
    return new Promise((resolve, reject) => {
      const sent = request({ agent: this.#agent, hostname, port, path, method: "POST", headers }, (response) => {
        let text = "";
        response.setEncoding("utf8");
        response.on("data", (chunk: string) => {
          text += chunk;
        });
        response.on("end", () => {
          if ((response.statusCode ?? 500) < 300) resolve(text);
          else reject(new Error(`POST ${path}: ${response.statusCode} ${text.slice(0, 300)}`));
        });
      });
      sent.on("error", reject);
      sent.end(body);
    });
  }

  close(): void {
    this.#agent.destroy();
  }
}
