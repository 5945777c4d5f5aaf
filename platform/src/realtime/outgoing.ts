import { INLINE_BYTES } from "../http/run-view.ts";
import type { RunDetail } from "../runs/run.ts";
import { liveRun } from "./live-run-view.ts";
import type { Subscription } from "./room.ts";

/** About the length of a message at most, unless one run alone is longer. */
const MESSAGE_CHARACTERS = 1024 * 1024;

export interface Message {
  json: string;
  /** What did not fit. */
  left: RunDetail[];
}

/** Messages about runs that were read together: a run's JSON is made once for all who see the same of it. */
export class Outgoing {
  readonly #texts = new Map<string, string>();

  snapshot(subscription: Subscription, runs: readonly RunDetail[], unchanged: readonly string[]): Message {
    const { list, left } = this.#list(subscription, runs, true);
    const { id } = subscription;
    return { json: `{"id":${JSON.stringify(id)},"runs":${list},"unchanged":${JSON.stringify(unchanged)}}`, left };
  }

  update(subscription: Subscription, runs: readonly RunDetail[]): Message {
    const { list, left } = this.#list(subscription, runs, false);
    return { json: `{"id":${JSON.stringify(subscription.id)},"runs":${list}}`, left };
  }

  #list(subscription: Subscription, runs: readonly RunDetail[], isSnapshot: boolean) {
    const texts: string[] = [];
    let characters = 0;
    let count = 0;
    for (const run of runs) {
      const text = this.#text(subscription, run, isSnapshot);
      if (count > 0 && characters + text.length > MESSAGE_CHARACTERS) break;
      texts.push(text);
      characters += text.length;
      count++;
    }
    return { list: `[${texts.join(",")}]`, left: runs.slice(count) };
  }

  #text({ socket, room, skip }: Subscription, run: RunDetail, isSnapshot: boolean): string {
    const isWhole = room.target.kind === "run";
    const withPayload = isWhole && isSnapshot && !skip.has("payload");
    const withOutput = isWhole && !skip.has("output");
    const make = () =>
      JSON.stringify(
        liveRun(run, socket.environment, {
          isWhole,
          withPayload,
          withOutput,
          link: (field) => socket.link(run.id, field),
        }),
      );
    // Links are made for one host and one moment.
    if (isWhole && hasLargeField(run)) return make();
    const key = `${run.id} ${isWhole} ${withPayload} ${withOutput}`;
    let text = this.#texts.get(key);
    if (text === undefined) this.#texts.set(key, (text = make()));
    return text;
  }
}

function hasLargeField({ payload, output }: RunDetail): boolean {
  return payload.data.length > INLINE_BYTES || (output !== undefined && output.data.length > INLINE_BYTES);
}
