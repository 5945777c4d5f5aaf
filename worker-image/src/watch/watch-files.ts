import { constants } from "node:fs";
import type { Bindings } from "./bindings.ts";
import { isLoaded } from "./bindings.ts";
import type { Effects } from "./effects.ts";
import { type OnCall, patch } from "./patch.ts";
import type { Surroundings } from "./surroundings.ts";

const WRITE_FLAGS = constants.O_WRONLY | constants.O_RDWR | constants.O_CREAT | constants.O_TRUNC | constants.O_APPEND;
const CHANGES =
  "rename ftruncate rmdir rmSync mkdir mkdtemp symlink link unlink copyFile cpSyncOverrideFile cpSyncCopyDir chmod fchmod lchmod chown fchown lchown utimes futimes lutimes".split(
    " ",
  );
/** These take the descriptor first. */
const WRITES = ["writeBuffer", "writeBuffers", "writeString"];
const READS_ONLY = /^\s*(?:select|explain|values|pragma\s+[\w.]+\s*;?\s*$)/i;
const WRITES_TOO = /\b(?:insert|update|delete|replace)\b/i;

/** Files that are changed: outside of steps it would be done again; inside of them, a replay elsewhere would miss them. */
export class FileWatch {
  readonly #around: Surroundings;
  readonly #effects: Effects;
  /** Statements of SQLite that change a file. */
  readonly #writing = new WeakSet<object>();
  #isSqlitePatched = false;

  constructor(around: Surroundings, effects: Effects, { fs }: Bindings) {
    this.#around = around;
    this.#effects = effects;
    const changed: OnCall = () => this.#changed();
    for (const name of CHANGES) patch(fs, name, changed);
    for (const name of WRITES) patch(fs, name, (_, args) => void (isStdio(args[0]) || this.#changed()));
    patch(fs, "writeFileUtf8", (_, args) => void (isStdio(args[0]) || isDevice(args[0]) || this.#changed()));
    const opened: OnCall = (_, [path, flags]) => {
      if (((flags as number) & WRITE_FLAGS) !== 0 && !isDevice(path)) this.#changed();
    };
    patch(fs, "open", opened);
    patch(fs, "openFileHandle", opened);
    this.patchLoaded();
  }

  /** SQLite writes its file below Node's `fs`. Not loaded for nobody: that would print a warning. */
  patchLoaded(): void {
    if (this.#isSqlitePatched || !isLoaded("sqlite")) return;
    this.#isSqlitePatched = true;
    const { DatabaseSync, StatementSync } = process.getBuiltinModule("node:sqlite");
    patch(DatabaseSync.prototype, "exec", (database, [sql]) => this.#executed(database as Database, sql));
    patch(DatabaseSync.prototype, "prepare", (database, [sql]) =>
      writes(database as Database, sql) ? (statement) => void this.#writing.add(statement) : undefined,
    );
    for (const name of ["run", "get", "all", "iterate"])
      patch(StatementSync.prototype, name, (statement) => {
        if (this.#writing.has(statement as object)) this.#changed();
      });
  }

  /** A database module that came while the function ran: what was done with it was not seen. */
  look(): void {
    if (this.#isSqlitePatched || !isLoaded("sqlite")) return;
    this.#effects.add("file", "node:sqlite", "");
    this.patchLoaded();
  }

  #executed(database: Database, sql: unknown): void {
    if (writes(database, sql)) this.#changed();
  }

  #changed(): void {
    this.#effects.check("file");
    if (!this.#around.isActive) return;
    const region = this.#around.region();
    if (region?.kind === "step" && region.files !== "disposable") this.#effects.add("stepFile");
  }
}

interface Database {
  location(): string | null;
}

function writes(database: Database, sql: unknown): boolean {
  if (typeof sql !== "string" || (READS_ONLY.test(sql) && !WRITES_TOO.test(sql))) return false;
  try {
    // A database in memory has no place.
    return Boolean(database.location());
  } catch {
    return false;
  }
}

function isStdio(file: unknown): boolean {
  return file === 1 || file === 2;
}

function isDevice(path: unknown): boolean {
  return typeof path === "string" && /^\/(?:dev|proc)\//.test(path);
}
