import { expect, test, vi } from "vitest";
import { Complaint } from "./complaint.ts";

test("what is away is said once a minute, with how often it was met, and that it is back only where it was said", () => {
  const logger = { warn: vi.fn(), info: vi.fn() };
  let now = 0;
  const complaint = new Complaint(logger as never, () => now);
  complaint.over("back");
  expect(logger.info).not.toHaveBeenCalled();
  for (now = 0; now < 59_000; now += 1_000) complaint.about(new Error("gone"), "away");
  expect(logger.warn).toHaveBeenCalledTimes(1);
  complaint.over("back");
  complaint.over("back");
  expect(logger.info).toHaveBeenCalledTimes(1);
  now = 60_000;
  complaint.about(new Error("gone"), "away");
  expect(logger.warn).toHaveBeenLastCalledWith(expect.objectContaining({ times: 59 }), "away");
});
