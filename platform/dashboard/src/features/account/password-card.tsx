import { type FormEvent, useState } from "react";
import { Button } from "../../ui/button.tsx";
import { Card } from "../../ui/card.tsx";
import { ErrorText } from "../../ui/error-state.tsx";
import { PasswordField } from "../sign-in/password-fields.tsx";
import classes from "./account.module.css";
import { useChangePassword } from "./use-account.ts";

export function PasswordCard({ email }: { email: string }) {
  const [currentPassword, setCurrent] = useState("");
  const [newPassword, setNew] = useState("");
  const { perform, isBusy, error } = useChangePassword();
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const clear = () => {
      setCurrent("");
      setNew("");
    };
    void perform({ currentPassword, newPassword }).then(clear, () => undefined);
  };
  return (
    <Card title="Password" hint="A change ends all your other sessions.">
      <form onSubmit={submit} className={classes.form}>
        <input type="email" autoComplete="username" value={email} readOnly hidden />
        <PasswordField label="Current password" kind="current" value={currentPassword} onChange={setCurrent} />
        <PasswordField label="New password" kind="new" value={newPassword} onChange={setNew} />
        {error !== undefined && <ErrorText error={error} />}
        <div>
          <Button type="submit" variant="primary" isBusy={isBusy}>
            Change the password
          </Button>
        </div>
      </form>
    </Card>
  );
}
