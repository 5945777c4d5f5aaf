import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Layer } from "../../contract/api/index.ts";
import { type LayerEntry, type PackedLayer, packLayer } from "./layer-tar.ts";

/** A layer that lies packed on this machine. */
export interface LayerFile extends Layer {
  file: string;
  entries: number;
  /** It was packed by an earlier deploy. */
  isCached: boolean;
}

type LayerKind = Pick<Layer, "kind" | "platform">;

const KEPT = 12;

/** Layers of earlier deploys in a folder, by what they were made from. Two deploys at once may share it. */
export class LayerCache {
  readonly #dir: string;
  readonly #isUsed: boolean;

  /** `isUsed: false` makes everything anew, and leaves it for the next. */
  constructor(dir: string, { isUsed }: { isUsed: boolean }) {
    this.#dir = dir;
    this.#isUsed = isUsed;
    mkdirSync(dir, { recursive: true });
  }

  /** The layer of this key, packed from `entries` unless it is there. The key says everything that decides its content. */
  async layer(
    key: string,
    kind: LayerKind,
    entries: () => Promise<LayerEntry[]> | LayerEntry[],
    signal: AbortSignal,
  ): Promise<LayerFile> {
    const name = `${kind.kind}-${key.slice(0, 32)}`;
    const file = join(this.#dir, `${name}.tar.gz`);
    const note = join(this.#dir, `${name}.json`);
    const known = this.#isUsed ? readNote(file, note) : undefined;
    if (known !== undefined) {
      touch(file, note);
      return { ...known, ...kind, file, isCached: true };
    }
    const packed = await packLayer(await entries(), file, signal);
    writeFileSync(note, JSON.stringify(packed));
    return { ...packed, ...kind, file, isCached: false };
  }

  /** Removes all but the layers used last. */
  prune(): void {
    const files = readdirSync(this.#dir).map((name) => join(this.#dir, name));
    const byAge = files.map((file) => ({ file, at: statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0 }));
    byAge.sort((a, b) => b.at - a.at);
    for (const { file } of byAge.slice(2 * KEPT)) rmSync(file, { force: true });
  }
}

function readNote(file: string, note: string): PackedLayer | undefined {
  try {
    const packed = JSON.parse(readFileSync(note, "utf8")) as PackedLayer;
    return existsSync(file) && statSync(file).size === packed.bytes ? packed : undefined;
  } catch {
    return undefined;
  }
}

function touch(...files: string[]): void {
  const now = new Date();
  for (const file of files) utimesSync(file, now, now);
}
