/** What every system does with a job; the same bytes for all. */
export interface Payload {
  userId: string;
  url: string;
  tags: string[];
  sentAt: number;
}

export function samplePayload(number: number): Payload {
  return {
    userId: `user_${number % 1000}`,
    url: `https://example.com/images/${number}.png`,
    tags: ["benchmark", "no-op"],
    sentAt: 1_767_225_600_000 + number,
  };
}

/** A queue that Gantry is measured beside. Everything it acknowledges is on disk, and it keeps ended jobs where it can. */
export interface Peer {
  name: string;
  /** Where the comparison is not like for like. */
  note: string;
  add(payload: Payload): Promise<void>;
  addMany(payloads: Payload[]): Promise<void>;
  /** Works off what is queued with a handler that does nothing, as its documentation says for throughput; `onDone` per job. */
  work(onDone: () => void): Promise<{ stop(): Promise<void> }>;
  /** Leaves no job behind, done or not. */
  clear(): Promise<void>;
  close(): Promise<void>;
}
