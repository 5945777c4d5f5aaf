import { QueryClient } from "@tanstack/react-query";

/**
 * Server state. The API's client repeats what is worth repeating by itself, so queries do not. What is live invalidates its
 * queries; the rest is looked at again when the window is.
 */
export const queryClient = new QueryClient({
  defaultOptions: {
    queries: { retry: false, staleTime: 5_000, gcTime: 300_000, refetchOnWindowFocus: true },
    mutations: { retry: false },
  },
});
