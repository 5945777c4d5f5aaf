import { useState } from "react";
import type { Session } from "../../session/session.ts";
import { Button } from "../../ui/button.tsx";
import { buttonClass } from "../../ui/button-class.ts";
import { ErrorText } from "../../ui/error-state.tsx";
import { Field, Input } from "../../ui/field.tsx";
import { Icon } from "../../ui/icon.tsx";
import { Notice } from "../../ui/notice.tsx";
import { authRequests, singleSignOnPath } from "./auth-requests.ts";
import { PasswordField } from "./password-fields.tsx";
import classes from "./sign-in.module.css";
import { SignInCard } from "./sign-in-card.tsx";
import { pageAfterSignIn, signOnProblem } from "./sign-in-words.ts";
import { useSignIn } from "./use-sign-in.ts";

/** By password, by single sign-on, or both. */
export function LoginPage({ session }: { session: Session }) {
  const { oidc, hasPasswordSignIn = true } = session;
  const problem = signOnProblem(location.search);
  const [email, setEmail] = useState("");
  const [password, setPassword] = useState("");
  const { enter, isBusy, error } = useSignIn(authRequests(session.csrfToken).logIn);
  return (
    <SignInCard title="Sign in" onSubmit={() => enter({ email, password })}>
      {problem !== undefined && (
        <Notice tone="danger" icon="alert">
          <span role="alert">{problem}</span>
        </Notice>
      )}
      {oidc !== undefined && (
        <a
          className={`${buttonClass(hasPasswordSignIn ? "secondary" : "primary", "md")} ${classes.other}`}
          href={singleSignOnPath(pageAfterSignIn(location))}
        >
          <Icon name="lock" /> {oidc.label}
        </a>
      )}
      {oidc !== undefined && hasPasswordSignIn && <span className={classes.divider}>or by password</span>}
      {hasPasswordSignIn && (
        <>
          <Field label="E-mail" isRequired>
            <Input
              type="email"
              autoComplete="username"
              value={email}
              autoFocus
              onChange={(event) => setEmail(event.target.value)}
            />
          </Field>
          <PasswordField label="Password" kind="current" value={password} onChange={setPassword} />
          {error !== undefined && <ErrorText error={error} />}
          <Button type="submit" variant="primary" isBusy={isBusy}>
            Sign in
          </Button>
          <p className={classes.hint}>Forgot it? An admin of this platform can send you a link to a new one.</p>
        </>
      )}
    </SignInCard>
  );
}
