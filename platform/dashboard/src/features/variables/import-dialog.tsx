import type { EnvironmentVariable } from "@gantry/sdk";
import { useMemo, useState } from "react";
import { Badge } from "../../ui/badge.tsx";
import { Button } from "../../ui/button.tsx";
import { Dialog } from "../../ui/dialog.tsx";
import { ErrorText } from "../../ui/error-state.tsx";
import { Checkbox, Field, Textarea } from "../../ui/field.tsx";
import { type EnvPaste, type ImportEffect, importEffects, readEnvPaste } from "./env-paste.ts";
import { useImportVariables } from "./use-variables.ts";
import classes from "./variables.module.css";

const EFFECTS: Record<ImportEffect, { tone: "success" | "warning" | "neutral"; text: string }> = {
  new: { tone: "success", text: "new" },
  changes: { tone: "warning", text: "changes" },
  replaces: { tone: "warning", text: "replaces a secret" },
  same: { tone: "neutral", text: "the same" },
  stays: { tone: "neutral", text: "stays as it is" },
};

interface ImportDialogProps {
  known: readonly EnvironmentVariable[];
  onClose: () => void;
}

/** Many variables at once, from a pasted .env file: what would change is shown before anything does. */
export function ImportDialog({ known, onClose }: ImportDialogProps) {
  const [text, setText] = useState("");
  const [override, setOverride] = useState(true);
  const [isSecret, setSecret] = useState(true);
  const paste = useMemo(() => readEnvPaste(text), [text]);
  const effects = useMemo(() => {
    const values = new Map(known.map(({ name, value, isSecret: hidden }) => [name, hidden ? undefined : value]));
    return importEffects(paste.variables, values, override);
  }, [paste, known, override]);
  const written = effects.filter(({ effect }) => effect !== "same" && effect !== "stays");
  const { perform, isBusy, error } = useImportVariables();
  const variables = Object.fromEntries(written.map(({ name, value }) => [name, value]));
  const isReady = written.length > 0 && paste.problems.length === 0;
  return (
    <Dialog
      isOpen
      size="lg"
      onClose={onClose}
      title="Import variables"
      onSubmit={() => isReady && void perform({ variables, isSecret }).then(onClose, () => undefined)}
      footer={
        <Button
          type="submit"
          variant="primary"
          isBusy={isBusy}
          disabledReason={isReady ? undefined : whyNot(paste, text)}
        >
          {written.length === 0 ? "Import" : `Set ${written.length} variable${written.length === 1 ? "" : "s"}`}
        </Button>
      }
    >
      <Field
        label="Paste a .env file"
        hint="NAME=value on each line; quotes, comments and values over several lines are understood."
      >
        <Textarea
          isMono
          rows={7}
          autoFocus
          value={text}
          placeholder={"DATABASE_URL=postgres://…\nSTRIPE_KEY=sk_live_…"}
          onChange={(event) => setText(event.target.value)}
        />
      </Field>
      <div className={classes.check}>
        <Checkbox
          label="Replace those that are there"
          checked={override}
          onChange={(event) => setOverride(event.target.checked)}
        />
        <Checkbox label="Keep them secret" checked={isSecret} onChange={(event) => setSecret(event.target.checked)} />
      </div>
      <Problems paste={paste} />
      {effects.length > 0 && (
        <ul className={classes.preview} aria-label="What will happen">
          {effects.map(({ name, effect, value }) => (
            <li key={name}>
              <code className="truncate">{name}</code>
              <span className="muted">{value.length} characters</span>
              <Badge tone={EFFECTS[effect].tone}>{EFFECTS[effect].text}</Badge>
            </li>
          ))}
        </ul>
      )}
      {error !== undefined && <ErrorText error={error} />}
    </Dialog>
  );
}

function Problems({ paste }: { paste: EnvPaste }) {
  if (paste.problems.length === 0) return null;
  return (
    <ul className={classes.problems} role="alert">
      {paste.problems.map(({ line, message }) => (
        <li key={`${line}${message}`}>
          Line {line}: {message}
        </li>
      ))}
    </ul>
  );
}

function whyNot(paste: EnvPaste, text: string): string {
  if (text.trim() === "") return "Paste something first.";
  return paste.problems.length > 0 ? "Correct the lines that are named." : "Nothing would change.";
}
