import { auth, wait } from "@trigger.dev/sdk";
import { describe, expect, test } from "vitest";

/** What an unmodified `@trigger.dev/sdk`, which is configured already, does with tokens. `url` is the platform's. */
export function describeTokens(url: () => string): void {
  describe("with tokens", () => {
    test("makes a token, completes it and reads what it was completed with", async () => {
      const token = await wait.createToken({ timeout: "1h", tags: ["order:1"] });
      expect(token).toMatchObject({ id: expect.stringMatching(/^waitpoint_/), isCached: false });
      expect(token.publicAccessToken).toMatch(/^ey/);
      const waiting = await wait.retrieveToken(token);
      expect(waiting).toMatchObject({ id: token.id, status: "WAITING", tags: ["order:1"], url: token.url });
      expect(waiting.timeoutAt?.getTime()).toBeGreaterThan(Date.now() + 3_500_000);
      expect(await wait.completeToken(token, { approved: true })).toEqual({ success: true });
      expect(await wait.completeToken(token.id, { approved: false })).toEqual({ success: true });
      const done = await wait.retrieveToken<{ approved: boolean }>(token);
      expect(done).toMatchObject({ status: "COMPLETED", output: { approved: true }, error: undefined });
      expect(done.completedAt).toBeInstanceOf(Date);
    });

    test("reads the error of a token that timed out, which completing it does not change", async () => {
      const token = await wait.createToken({ timeout: new Date(Date.now() - 1000) });
      expect(await wait.completeToken(token, "late")).toEqual({ success: true });
      const late = await wait.retrieveToken(token);
      expect(late).toMatchObject({ status: "TIMED_OUT", output: undefined });
      expect(late.error?.message).toMatch(/timed out at/);
    });

    test("gets the same token for the same idempotency key, and lists tokens page by page", async () => {
      const idempotencyKey = "approve-1";
      const first = await wait.createToken({ idempotencyKey, idempotencyKeyTTL: "1h", tags: ["listed"] });
      const again = await wait.createToken({ idempotencyKey, idempotencyKeyTTL: "1h" });
      expect(again).toMatchObject({ id: first.id, isCached: true });
      const made = [first.id];
      for (let i = 0; i < 4; i++) made.push((await wait.createToken({ tags: ["listed"] })).id);
      await wait.completeToken(made[1] as string, null);
      const all = [];
      for await (const token of wait.listTokens({ tags: ["listed"], limit: 2 })) all.push(token.id);
      expect(all).toEqual([...made].reverse());
      const page = await wait.listTokens({ status: "COMPLETED", tags: "listed", period: "1h" });
      expect(page.data.map(({ id }) => id)).toEqual([made[1]]);
      expect((await wait.listTokens({ idempotencyKey })).data).toEqual([
        expect.objectContaining({ id: first.id, idempotencyKey, idempotencyKeyExpiresAt: expect.any(Date) }),
      ]);
    });

    test("gives a browser a token that completes this one and no other", async () => {
      const [mine, theirs] = [await wait.createToken(), await wait.createToken()];
      await auth.withAuth({ baseURL: url(), accessToken: mine.publicAccessToken }, async () => {
        await expect(wait.completeToken(theirs, 1)).rejects.toMatchObject({ status: 403 });
        expect(await wait.completeToken(mine, 1)).toEqual({ success: true });
      });
      expect(await wait.retrieveToken(theirs)).toMatchObject({ status: "WAITING" });
    });

    test("a webhook completes a token by its url, without a key", async () => {
      const token = await wait.createToken();
      const send = (url: string) =>
        fetch(url, {
          method: "POST",
          headers: { "content-type": "application/x-www-form-urlencoded" },
          body: "state=done&id=7",
        });
      // Not its last character, whose last bits say nothing.
      const wrong = token.url.replace(/.(?=.{4}$)/, (one) => (one === "A" ? "B" : "A"));
      expect((await send(wrong)).status).toBe(404);
      expect((await send(token.url)).status).toBe(200);
      expect(await wait.retrieveToken(token)).toMatchObject({ output: { state: "done", id: "7" } });
    });
  });
}
