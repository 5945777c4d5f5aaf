import { queryOptions } from "@tanstack/react-query";
import { fetchSession } from "./session.ts";

export const SESSION_KEY = ["session"];

/** Who is signed in: the first thing that is asked. */
export const sessionQuery = queryOptions({
  queryKey: SESSION_KEY,
  queryFn: ({ signal }) => fetchSession(signal),
  staleTime: 60_000,
});
