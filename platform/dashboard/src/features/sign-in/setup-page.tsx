import { useState } from "react";
import type { Session } from "../../session/session.ts";
import { Button } from "../../ui/button.tsx";
import { ErrorText } from "../../ui/error-state.tsx";
import { Field, Input } from "../../ui/field.tsx";
import { authRequests } from "./auth-requests.ts";
import { PasswordField } from "./password-fields.tsx";
import { SignInCard } from "./sign-in-card.tsx";
import { useSignIn } from "./use-sign-in.ts";

/** The first user. The secret stands behind # in the link of the platform's log, or is typed. */
export function SetupPage({ session }: { session: Session }) {
  const [linked] = useState(() => secretOf(location.hash));
  const [setupSecret, setSecret] = useState(linked);
  const [email, setEmail] = useState("");
  const [name, setName] = useState("");
  const [password, setPassword] = useState("");
  const { enter, isBusy, error } = useSignIn(authRequests(session.csrfToken).setUp);
  return (
    <SignInCard
      title="Set up Gantry"
      lead="You are the first: this account is an admin, and invites the others."
      onSubmit={() => enter({ setupSecret, email, name, password })}
    >
      <Field label="Name" isRequired>
        <Input autoComplete="name" value={name} autoFocus onChange={(event) => setName(event.target.value)} />
      </Field>
      <Field label="E-mail" isRequired>
        <Input type="email" autoComplete="username" value={email} onChange={(event) => setEmail(event.target.value)} />
      </Field>
      <PasswordField label="Password" kind="new" value={password} onChange={setPassword} />
      {linked === "" && (
        <Field label="Set-up secret" isRequired hint="The platform's log says it at its start, behind # in setupUrl.">
          <Input isMono value={setupSecret} onChange={(event) => setSecret(event.target.value)} />
        </Field>
      )}
      {error !== undefined && <ErrorText error={error} />}
      <Button type="submit" variant="primary" isBusy={isBusy}>
        Create the account
      </Button>
    </SignInCard>
  );
}

/** A secret of the operator's own choice may hold any characters. */
function secretOf(hash: string): string {
  try {
    return decodeURIComponent(hash.slice(1));
  } catch {
    return hash.slice(1);
  }
}
