import { randomBytes } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";

const CHUNK = /^\/worker\/v1\/checkpoints\/([^/]+)\/chunks\/(\d+)$/;

/** Chunks of stored processes as the platform keeps them, in memory. */
export class FakeCheckpoints {
  /** By `checkpointId/number`. */
  readonly chunks = new Map<string, Buffer>();
  /** Asked first: a status in place of the usual answer. */
  onChunk: (method: string, checkpointId: string, number: number) => number | undefined = () => undefined;
  maxStoredBytes = 256 * 1024 * 1024;
  readonly #keys = new Map<string, string>();

  begin(): { checkpointId: string; key: string; maxStoredBytes: number } {
    const checkpointId = `checkpoint_${this.#keys.size + 1}`;
    const key = randomBytes(32).toString("base64");
    this.#keys.set(checkpointId, key);
    return { checkpointId, key, maxStoredBytes: this.maxStoredBytes };
  }

  keyOf(checkpointId: string): string {
    return this.#keys.get(checkpointId) ?? "";
  }

  /** False: the request is for something else. */
  async serve(request: IncomingMessage, response: ServerResponse): Promise<boolean> {
    const [, checkpointId, number] = CHUNK.exec(request.url ?? "") ?? [];
    if (checkpointId === undefined) return false;
    const { method = "" } = request;
    const body = Buffer.concat(await request.toArray());
    const name = `${checkpointId}/${number}`;
    const refused = this.onChunk(method, checkpointId, Number(number));
    if (refused !== undefined) response.writeHead(refused).end();
    else if (method === "PUT") {
      this.chunks.set(name, body);
      response.writeHead(204).end();
    } else if (this.chunks.has(name)) response.end(this.chunks.get(name));
    else response.writeHead(404).end();
    return true;
  }
}
