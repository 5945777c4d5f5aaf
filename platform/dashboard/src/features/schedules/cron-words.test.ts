import { cronProblem } from "@gantry/sdk/contract";
import { describe, expect, test } from "vitest";
import { cronWords } from "./cron-words.ts";

describe("a cron pattern in words", () => {
  test.each([
    ["* * * * *", "Every minute"],
    ["*/15 * * * *", "Every 15 minutes"],
    ["0 * * * *", "Every hour, on the hour"],
    ["30 * * * *", "At minute 30 of each hour"],
    ["0,30 * * * *", "At minute 0 and 30 of each hour"],
    ["0 */2 * * *", "At minute 0, every 2 hours"],
    ["0 5 * * *", "At 05:00 each day"],
    ["30 5,17 * * *", "At 05:30 and 17:30 each day"],
    ["0 8 * * 1-5", "At 08:00 from Monday to Friday"],
    ["0 8 * * MON-FRI", "At 08:00 from Monday to Friday"],
    ["0 8 * * 1,3,5", "At 08:00 on Monday, Wednesday and Friday"],
    ["0 0 * * 7", "At 00:00 on Sunday"],
    ["*/10 9-17 * * 1-5", "Every 10 minutes, from 09:00 to 17:59 from Monday to Friday"],
    ["0 9-17 * * *", "At minute 0, each hour from 09 to 17"],
    ["0 0 1 * *", "At 00:00 on the 1st of the month"],
    ["0 0 1,15 * *", "At 00:00 on the 1st and the 15th of the month"],
    ["0 0 L * *", "At 00:00 on the last day of the month"],
    ["0 0 * * 5L", "At 00:00 on the last Friday of the month"],
    ["0 0 * * 1#2", "At 00:00 on the 2nd Monday of the month"],
    ["0 0 13 * 5", "At 00:00 on the 13th of the month, and also on Friday"],
    ["0 0 1 JAN *", "At 00:00 on the 1st of the month in January"],
    ["0 0 1 */3 *", "At 00:00 on the 1st of the month every 3 months"],
    ["0 0 1 3-5 *", "At 00:00 on the 1st of the month in March to May"],
    ["*/10 * * * * *", "Every 10 seconds, every minute"],
    ["0 30 5 * * *", "At 05:30 each day"],
    ["5/15 * * * *", "Every 15 minutes from minute 5"],
    ["@daily", "At 00:00 each day"],
    ["@HOURLY", "Every hour, on the hour"],
  ])("%s", (pattern, want) => {
    expect(cronProblem(pattern)).toBeUndefined();
    expect(cronWords(pattern)).toBe(want);
  });

  test.each(["", "5", "a b c d e", "0 0 * *", "0 0 * * * * *", "0 0 x * *"])("has none for %j", (pattern) => {
    expect(cronWords(pattern)).toBeUndefined();
  });
});
