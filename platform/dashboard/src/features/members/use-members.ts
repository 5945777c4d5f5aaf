import { type NewUserFields, type UserItem, usersApi } from "@gantry/sdk";
import type { Role } from "@gantry/sdk/contract";
import { useQuery } from "@tanstack/react-query";
import { POLL } from "../../queries/polling.ts";
import { useAction } from "../../queries/use-action.ts";
import { useEnvironment } from "../../session/session-provider.tsx";

/** Of the installation, whatever environment one looks at. */
const MEMBERS_KEY = ["members"];

/** For admins alone: the API refuses all others. */
export function useMembers(isEnabled: boolean) {
  const { api } = useEnvironment();
  return useQuery({
    queryKey: MEMBERS_KEY,
    queryFn: () => usersApi(api).list(),
    refetchInterval: POLL.slow,
    enabled: isEnabled,
  });
}

export function useInvite() {
  const { api } = useEnvironment();
  return useAction({ run: (user: NewUserFields) => usersApi(api).create(user), stale: [MEMBERS_KEY] });
}

export function useNewLink() {
  const { api } = useEnvironment();
  return useAction({ run: ({ id }: UserItem) => usersApi(api).invite(id), stale: [MEMBERS_KEY] });
}

export interface MemberChange {
  user: UserItem;
  change: { name?: string; role?: Role; isDisabled?: boolean };
  /** Said when it is done. */
  done: string;
}

export function useChangeMember() {
  const { api } = useEnvironment();
  return useAction({
    run: ({ user, change }: MemberChange) => usersApi(api).update(user.id, change),
    done: (_user, { done }) => done,
    stale: [MEMBERS_KEY],
  });
}

export function useSignOutMember() {
  const { api } = useEnvironment();
  return useAction({
    run: ({ id }: UserItem) => usersApi(api).signOut(id),
    done: (_nothing, { name }) => `${name} is signed out everywhere`,
    stale: [MEMBERS_KEY],
  });
}
