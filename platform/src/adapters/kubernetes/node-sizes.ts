import type { NodeSize } from "../../cluster/cluster-facts.ts";
import type { Logger } from "../../logging.ts";
import { mayListNodes } from "./access-check.ts";
import type { RunsNamespace } from "./runs-namespace.ts";

const FRESH_MS = 60_000;

/** What the cluster's nodes can hold: as the operator said, else as the API says, looked up only while a pod finds no room. */
export class NodeSizes {
  readonly #fixed: NodeSize[] | undefined;
  readonly #namespace: RunsNamespace;
  readonly #log: Logger;
  #known: NodeSize[] | undefined;
  #askedAt = Number.NEGATIVE_INFINITY;
  isAllowed = false;

  constructor(largest: NodeSize | undefined, namespace: RunsNamespace, log: Logger) {
    this.#fixed = largest === undefined ? undefined : [largest];
    this.#namespace = namespace;
    this.#log = log;
  }

  current(): NodeSize[] | undefined {
    return this.#fixed ?? this.#known;
  }

  /** Whether they may be looked up. Errors: KubeError. */
  async learn(): Promise<void> {
    this.isAllowed = await mayListNodes(this.#namespace);
  }

  /** Looks them up in a moment, unless that was done lately. */
  want(): void {
    const now = Date.now();
    if (this.#fixed !== undefined || !this.isAllowed || now - this.#askedAt < FRESH_MS) return;
    this.#askedAt = now;
    this.#namespace.nodeSizes().then(
      (sizes) => (this.#known = sizes),
      (error: unknown) => this.#log.warn({ err: error }, "the sizes of nodes could not be read"),
    );
  }
}
