import { ApiError } from "@gantry/sdk";

/** What people read of an error: its code, what is wrong, what to do. */
export interface ErrorDescription {
  code: string | undefined;
  message: string;
  remedy: string | undefined;
}

/** Any thrown value in words. The API's errors carry code and remedy; others only their message. */
export function describeError(error: unknown): ErrorDescription {
  if (error instanceof ApiError) {
    const remedy = error.remedy !== undefined && error.message.includes(error.remedy) ? undefined : error.remedy;
    return { code: error.code, message: error.message, remedy };
  }
  const message = error instanceof Error ? error.message : String(error);
  return { code: undefined, message: message === "" ? "Something went wrong." : message, remedy: undefined };
}
