import { AppError } from "../errors.ts";

export function tooMany(limit: number): AppError {
  return new AppError("TOO_MANY_SUBSCRIPTIONS", `A socket may have ${limit} subscriptions (subscriptionsPerSocket).`, {
    details: { limit: "subscriptionsPerSocket", max: limit },
  });
}
