import type { IncomingMessage } from "node:http";
import { describe, expect, test } from "vitest";
import { encodeId, newUuid } from "../ids.ts";
import { createCallbackUrls } from "./callback-urls.ts";

const req = { headers: { host: "gantry.test" }, socket: {} } as IncomingMessage;
const SECRET = "s".repeat(32);
const urls = createCallbackUrls({ secrets: [SECRET], publicUrl: undefined });
const newId = () => encodeId("waitpoint", newUuid());
const hashOf = (url: string) => url.split("/").at(-1) ?? "";

describe("callback URLs", () => {
  test("lead back to the environment of their token", () => {
    const id = newId();
    const url = urls.create(req, 42, id);
    expect(url).toMatch(
      new RegExp(`^http://gantry\\.test/api/v1/waitpoints/tokens/${id}/callback/42-[A-Za-z0-9_-]{43}$`),
    );
    expect(urls.verify(id, hashOf(url))).toBe(42);
  });

  test("use the platform's public address where it has one", () => {
    const configured = createCallbackUrls({ secrets: [SECRET], publicUrl: "https://g.example/" });
    expect(configured.create(req, 1, newId())).toMatch(/^https:\/\/g\.example\/api\/v1\//);
  });

  test("are good for no other token, environment or platform", () => {
    const [id, another] = [newId(), newId()];
    const hash = hashOf(urls.create(req, 1, id));
    expect(urls.verify(another, hash)).toBeUndefined();
    expect(urls.verify(id, hash.replace("1-", "2-"))).toBeUndefined();
    const elsewhere = createCallbackUrls({ secrets: ["z".repeat(32)], publicUrl: undefined });
    expect(elsewhere.verify(id, hash)).toBeUndefined();
  });

  test("of a secret that was replaced are accepted, and new ones use the new secret", () => {
    const id = newId();
    const rotated = createCallbackUrls({ secrets: ["n".repeat(32), SECRET], publicUrl: undefined });
    expect(rotated.verify(id, hashOf(urls.create(req, 1, id)))).toBe(1);
    expect(urls.verify(id, hashOf(rotated.create(req, 1, id)))).toBeUndefined();
  });

  test.each(["", "1", "1-", `-${"a".repeat(43)}`, `1-${"a".repeat(42)}`, `1-${"a".repeat(44)}`, `x-${"a".repeat(43)}`])(
    'refuse the hash "%s"',
    (hash) => expect(urls.verify(newId(), hash)).toBeUndefined(),
  );
});
