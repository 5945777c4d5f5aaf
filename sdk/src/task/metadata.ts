/** `metadata`: a JSON object on the run (256 KB) that its code writes and others watch. */
import type { JsonValue } from "../client/run-handle.ts";
import type { MetadataOperation } from "../contract/worker-protocol.ts";
import type { MetadataTarget } from "./metadata-view.ts";
import { currentScope } from "./run-scope.ts";
import { pipeTo, type StreamSource } from "./streams/pipe.ts";

export type RunMetadata = Record<string, unknown>;

/** Changes of one run's metadata. Keys are member names or paths such as `$.users[0].name`. Outside a run all do nothing. */
export interface MetadataUpdater {
  set(key: string, value: unknown): this;
  del(key: string): this;
  /** Adds to the list at the key; what is no list becomes one. */
  append(key: string, value: unknown): this;
  /** Removes equal items from the list at the key. */
  remove(key: string, value: unknown): this;
  /** Adds to the number at the key (0 if there is none), whoever else does so too. Default 1. */
  increment(key: string, value?: number): this;
  decrement(key: string, value?: number): this;
  /** Replaces the whole object. */
  update(metadata: RunMetadata): this;
}

function apply(target: MetadataTarget, operation: MetadataOperation): void {
  currentScope()?.metadata.apply(target, operation);
}

function updater(target: MetadataTarget): MetadataUpdater {
  const changes: MetadataUpdater = {
    set: (key, value) => then({ type: "set", key, value }),
    del: (key) => then({ type: "delete", key }),
    append: (key, value) => then({ type: "append", key, value }),
    remove: (key, value) => then({ type: "remove", key, value }),
    increment: (key, value = 1) => then({ type: "increment", key, value }),
    decrement: (key, value = 1) => then({ type: "increment", key, value: -value }),
    update: (value) => then({ type: "update", value }),
  };
  const then = (operation: MetadataOperation) => {
    apply(target, operation);
    return changes;
  };
  return changes;
}

/**
 * The run's metadata. Changes are seen by this code at once and sent on in the background, in order.
 *
 * @example
 * metadata.set("status", "importing").increment("rows", batch.length);
 */
export const metadata = {
  ...updater("self"),
  /** A copy of the whole object; undefined outside a run. */
  current: (): RunMetadata | undefined => currentScope()?.metadata.current(),
  /** The value at a key or path; undefined where there is none. */
  get: (key: string): JsonValue | undefined => currentScope()?.metadata.get(key) as JsonValue | undefined,
  replace: (value: RunMetadata): void => apply("self", { type: "update", value }),
  /** The older name of `replace`. */
  save: (value: RunMetadata): void => apply("self", { type: "update", value }),
  /** The older name of `streams.pipe`: the source's values, for code that reads them beside. */
  stream: async <T>(key: string, source: StreamSource<T>, signal?: AbortSignal): Promise<AsyncIterable<T>> =>
    pipeTo("metadata.stream", key, source, { signal }).stream,
  /** Resolves when all changes so far are out of this process. */
  flush: async (): Promise<void> => currentScope()?.host.flush(),
  /** The metadata of the run that triggered this one; its own where there is none. */
  parent: updater("parent"),
  /** The metadata of the first run of the tree. */
  root: updater("root"),
};
