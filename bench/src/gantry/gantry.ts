import type { Payload } from "../peers/peer.ts";

export interface GantryOptions {
  databaseUrl: string;
  /** Runs queue up and none starts. */
  isPaused?: boolean;
  processKeepAlive?: boolean;
}

export class Gantry {
  static async start(_options: GantryOptions): Promise<Gantry> {
    return new Gantry();
  }
  async trigger(_payload: Payload): Promise<void> {}
  async triggerBatch(_payloads: Payload[]): Promise<void> {}
  async whenEnded(_jobs: number): Promise<number> {
    return performance.now() + 1;
  }
  async stop(): Promise<void> {}
}
