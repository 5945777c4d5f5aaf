import type { SessionReply } from "@gantry/sdk/contract";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useRouter } from "@tanstack/react-router";
import { SESSION_KEY } from "../../session/session-provider.tsx";
import { pageAfterSignIn } from "./sign-in-words.ts";

/** Something that ends with a session: the dashboard opens on the page that was asked for. */
export function useSignIn<TInput>(enter: (input: TInput) => Promise<SessionReply>) {
  const queries = useQueryClient();
  const router = useRouter();
  const { mutate, isPending, error } = useMutation({
    mutationFn: enter,
    onSuccess: (session) => {
      router.history.replace(pageAfterSignIn(location));
      queries.setQueryData(SESSION_KEY, session);
    },
    // The session that the form was made for may be another by now: its token is asked for again.
    onError: () => queries.invalidateQueries({ queryKey: SESSION_KEY }),
  });
  return { enter: mutate, isBusy: isPending, error: error ?? undefined };
}
