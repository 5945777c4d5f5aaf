import type { ApiKeyItem, CreatedKeyItem } from "@gantry/sdk";
import { useState } from "react";
import { Button } from "../../ui/button.tsx";
import { CommandLine } from "../../ui/command-line.tsx";
import { CopyButton } from "../../ui/copy-button.tsx";
import { Dialog } from "../../ui/dialog.tsx";
import { ErrorText } from "../../ui/error-state.tsx";
import { Field, Select } from "../../ui/field.tsx";
import { Notice } from "../../ui/notice.tsx";
import { GRACES, KEY_SCOPES, type KeyScope } from "./key-facts.ts";
import classes from "./keys.module.css";
import { useCreateKey, useRotateKey } from "./use-keys.ts";

const SCOPES = Object.entries(KEY_SCOPES) as [KeyScope, (typeof KEY_SCOPES)[KeyScope]][];

/** Makes a key, and shows it this once. */
export function CreateKeyDialog({ onClose }: { onClose: () => void }) {
  const [scope, setScope] = useState<KeyScope>("full");
  const [created, setCreated] = useState<CreatedKeyItem>();
  const { perform, isBusy, error } = useCreateKey();
  if (created !== undefined) return <NewKeyDialog created={created} onClose={onClose} />;
  return (
    <Dialog
      isOpen
      onClose={onClose}
      title="New API key"
      onSubmit={() => void perform(scope).then(setCreated, () => undefined)}
      footer={
        <Button type="submit" variant="primary" isBusy={isBusy}>
          Create the key
        </Button>
      }
    >
      <fieldset className={classes.scopes}>
        <legend>What it may do</legend>
        {SCOPES.map(([value, { label, use }]) => (
          <label key={value} className={classes.scope}>
            <input type="radio" name="scope" value={value} checked={scope === value} onChange={() => setScope(value)} />
            <span>
              <b>{label}</b>
              <span className="muted">{use}</span>
            </span>
          </label>
        ))}
      </fieldset>
      {error !== undefined && <ErrorText error={error} />}
    </Dialog>
  );
}

/** Makes the next key and lets this one go on for a while. */
export function RotateKeyDialog({ item, onClose }: { item: ApiKeyItem; onClose: () => void }) {
  const [grace, setGrace] = useState<string>("86400");
  const [created, setCreated] = useState<CreatedKeyItem>();
  const { perform, isBusy, error } = useRotateKey();
  if (created !== undefined) return <NewKeyDialog created={created} onClose={onClose} />;
  const rotate = () => perform({ id: item.id, scope: item.scope, graceSeconds: Number(grace) });
  return (
    <Dialog
      isOpen
      onClose={onClose}
      title={`Rotate the key …${item.hint}`}
      onSubmit={() => void rotate().then(setCreated, () => undefined)}
      footer={
        <Button type="submit" variant="primary" isBusy={isBusy}>
          Create the next key
        </Button>
      }
    >
      <p className={classes.lead}>
        A new key of the same scope is made. The old one still works for the time you choose, so that you can put the
        new one everywhere first.
      </p>
      <Field label="The old key works for">
        <Select options={GRACES} value={grace} onChange={(event) => setGrace(event.target.value)} />
      </Field>
      {error !== undefined && <ErrorText error={error} />}
    </Dialog>
  );
}

function NewKeyDialog({ created, onClose }: { created: CreatedKeyItem; onClose: () => void }) {
  return (
    <Dialog
      isOpen
      onClose={onClose}
      title="Your new key"
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
        <code data-testid="new-key">{created.key}</code>
        <CopyButton text={created.key} label="Copy the key" isWide />
      </div>
      <p className={classes.lead}>In your backend&apos;s environment:</p>
      <CommandLine command={`export GANTRY_API_URL=${location.origin}\nexport GANTRY_SECRET_KEY=${created.key}`} />
    </Dialog>
  );
}
