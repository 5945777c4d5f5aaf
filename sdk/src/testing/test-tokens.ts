import { decodeValue } from "../client/packet.ts";
import { parseDurationMs } from "../contract/duration.ts";
import { type StoredAnswer, storedAnswer } from "./test-answers.ts";

/** A waitpoint token of a unit test. Times are the test's own: they pass when the run only waits. */
export interface TestToken {
  id: string;
  tags: string[];
  createdAt: number;
  timeoutAt: number | undefined;
  idempotencyKey: string | undefined;
  answer: StoredAnswer | undefined;
  /** Makes of the test's answer what a platform would store; absent where that is the answer itself. */
  answerOf?: (answer: StoredAnswer) => StoredAnswer;
}

interface CreateBody {
  timeout?: string;
  idempotencyKey?: string;
  tags?: string | string[];
}

/** The API of tokens in memory. */
export class TestTokens {
  readonly #tokens = new Map<string, TestToken>();
  readonly #now: () => number;
  /** Called when code completes one. */
  onComplete: ((token: TestToken) => void) | undefined;

  constructor(now: () => number) {
    this.#now = now;
  }

  /** A token that the test never made may be one that a test's payload names. */
  get(id: string): TestToken {
    const known = this.#tokens.get(id);
    if (known) return known;
    const made = { id, tags: [], createdAt: this.#now(), timeoutAt: undefined, idempotencyKey: undefined };
    return this.#add({ ...made, answer: undefined });
  }

  create({ timeout, idempotencyKey, tags = [] }: CreateBody): { id: string; isCached: boolean; url: string } {
    const same = [...this.#tokens.values()].find((token) => token.idempotencyKey === idempotencyKey);
    const isCached = idempotencyKey !== undefined && same !== undefined;
    const token = isCached ? same : this.#make(timeout, idempotencyKey, [tags].flat());
    return { id: token.id, isCached, url: urlOf(token) };
  }

  complete(id: string, { data, dataType }: { data?: unknown; dataType?: string }): object {
    const token = this.get(id);
    const isFirst = token.answer === undefined;
    if (isFirst) {
      const output = dataType === undefined ? data : decodeValue(data as string | undefined, dataType);
      token.answer = storedAnswer({ output });
      this.onComplete?.(token);
    }
    return { success: true, isFirst, status: token.answer?.ok ? "COMPLETED" : "TIMED_OUT" };
  }

  retrieve(id: string): object {
    const { answer, timeoutAt, createdAt, tags, ...token } = this.get(id);
    const status = answer === undefined ? "WAITING" : answer.ok ? "COMPLETED" : "TIMED_OUT";
    const instant = (at: number) => new Date(at).toISOString();
    return {
      ...token,
      url: urlOf(token),
      status,
      tags,
      createdAt: instant(createdAt),
      ...(timeoutAt === undefined ? {} : { timeoutAt: instant(timeoutAt) }),
      ...(answer?.ok ? { output: answer.value, outputType: answer.valueType } : {}),
      ...(answer?.error
        ? { output: JSON.stringify({ message: answer.error.message }), outputType: "application/json" }
        : {}),
      ...(answer && !answer.ok ? { outputIsError: true } : {}),
    };
  }

  #make(timeout: string | undefined, idempotencyKey: string | undefined, tags: string[]): TestToken {
    const now = this.#now();
    const ms = timeout === undefined ? undefined : parseDurationMs(timeout);
    const timeoutAt = timeout === undefined ? undefined : ms === undefined ? Date.parse(timeout) : now + ms;
    const id = `waitpoint_test${this.#tokens.size + 1}`;
    return this.#add({ id, tags, createdAt: now, timeoutAt, idempotencyKey, answer: undefined });
  }

  #add(token: TestToken): TestToken {
    this.#tokens.set(token.id, token);
    return token;
  }
}

function urlOf({ id }: { id: string }): string {
  return `http://unit.test/api/v1/waitpoints/tokens/${id}/callback/test`;
}
