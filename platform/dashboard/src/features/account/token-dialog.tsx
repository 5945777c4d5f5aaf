import { useState } from "react";
import { Button } from "../../ui/button.tsx";
import { CommandLine } from "../../ui/command-line.tsx";
import { CopyButton } from "../../ui/copy-button.tsx";
import { Dialog } from "../../ui/dialog.tsx";
import { ErrorText } from "../../ui/error-state.tsx";
import { Field, Input, Select } from "../../ui/field.tsx";
import { Notice } from "../../ui/notice.tsx";
import { Stack } from "../../ui/page.tsx";
import classes from "./account.module.css";
import { type NewToken, useCreateToken } from "./use-account.ts";

const SCOPES = [
  { value: "full", label: "Everything that I may do" },
  { value: "deploy", label: "Deploy, for CI" },
  { value: "trigger", label: "Trigger runs" },
  { value: "read", label: "Read" },
];
const DAYS = [
  { value: "30", label: "30 days" },
  { value: "90", label: "90 days" },
  { value: "365", label: "A year" },
  { value: "", label: "Never" },
];

/** Makes a token, and shows it this once. */
export function CreateTokenDialog({ onClose }: { onClose: () => void }) {
  const [name, setName] = useState("");
  const [scope, setScope] = useState<NewToken["scope"]>("full");
  const [days, setDays] = useState("90");
  const [token, setToken] = useState<string>();
  const { perform, isBusy, error } = useCreateToken();
  if (token !== undefined) return <NewTokenDialog token={token} onClose={onClose} />;
  const create = () => perform({ name, scope, days: days === "" ? undefined : Number(days) });
  return (
    <Dialog
      isOpen
      onClose={onClose}
      title="New access token"
      onSubmit={() =>
        void create().then(
          (made) => setToken(made.token),
          () => undefined,
        )
      }
      footer={
        <Button type="submit" variant="primary" isBusy={isBusy}>
          Create the token
        </Button>
      }
    >
      <Stack gap={14}>
        <Field label="Name" isRequired hint="Who or what has it: my laptop, the CI of shop.">
          <Input value={name} autoFocus onChange={(event) => setName(event.target.value)} />
        </Field>
        <Field label="It may">
          <Select
            options={SCOPES}
            value={scope}
            onChange={(event) => setScope(event.target.value as NewToken["scope"])}
          />
        </Field>
        <Field label="It expires in">
          <Select options={DAYS} value={days} onChange={(event) => setDays(event.target.value)} />
        </Field>
        {error !== undefined && <ErrorText error={error} />}
      </Stack>
    </Dialog>
  );
}

function NewTokenDialog({ token, onClose }: { token: string; onClose: () => void }) {
  return (
    <Dialog
      isOpen
      onClose={onClose}
      title="Your new access token"
      footer={
        <Button variant="primary" onClick={onClose}>
          I have stored it
        </Button>
      }
    >
      <Notice tone="warning" icon="alert">
        Copy it now: it is never shown again.
      </Notice>
      <div className={classes.secret}>
        <code data-testid="new-token">{token}</code>
        <CopyButton text={token} label="Copy the token" isWide />
      </div>
      <p className={classes.lead}>The CLI asks for it:</p>
      <CommandLine command={`npx gantry login --api-url ${location.origin}`} />
    </Dialog>
  );
}
