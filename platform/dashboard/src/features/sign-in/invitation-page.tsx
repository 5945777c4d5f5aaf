import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import type { Session } from "../../session/session.ts";
import { Button } from "../../ui/button.tsx";
import { ErrorText } from "../../ui/error-state.tsx";
import { describeError } from "../../ui/error-text.ts";
import { Field, Input } from "../../ui/field.tsx";
import { Notice } from "../../ui/notice.tsx";
import { Skeleton } from "../../ui/skeleton.tsx";
import { authRequests } from "./auth-requests.ts";
import { PasswordField } from "./password-fields.tsx";
import { SignInCard } from "./sign-in-card.tsx";
import { useSignIn } from "./use-sign-in.ts";

/** Where a link leads by which somebody chooses their password: `/invitation#<token>`. */
export function InvitationPage({ session }: { session: Session }) {
  const [token] = useState(() => location.hash.slice(1));
  const requests = authRequests(session.csrfToken);
  const query = useQuery({
    queryKey: ["invitation", token],
    queryFn: () => requests.invitation(token),
    staleTime: Number.POSITIVE_INFINITY,
  });
  const [name, setName] = useState<string>();
  const [password, setPassword] = useState("");
  const { enter, isBusy, error } = useSignIn(requests.acceptInvitation);
  if (query.isError)
    return (
      <SignInCard title="This link does not work">
        <Notice tone="danger" icon="alert">
          {describeError(query.error).message}
        </Notice>
        <a href="/">To the sign-in</a>
      </SignInCard>
    );
  if (query.data === undefined)
    return (
      <SignInCard title="Welcome to Gantry">
        <Skeleton height={220} />
      </SignInCard>
    );
  const { email } = query.data;
  const shownName = name ?? query.data.name;
  return (
    <SignInCard
      title="Welcome to Gantry"
      lead={
        <>
          Choose a password for <b>{email}</b>.
        </>
      }
      onSubmit={() => enter({ token, name: shownName, password })}
    >
      <Field label="Name" isRequired>
        <Input autoComplete="name" value={shownName} onChange={(event) => setName(event.target.value)} />
      </Field>
      <input type="email" autoComplete="username" value={email} readOnly hidden />
      <PasswordField label="Password" kind="new" value={password} onChange={setPassword} autoFocus />
      {error !== undefined && <ErrorText error={error} />}
      <Button type="submit" variant="primary" isBusy={isBusy}>
        Set the password and sign in
      </Button>
    </SignInCard>
  );
}
