import { PASSWORD_CHARACTERS } from "@gantry/sdk/contract";
import { useState } from "react";
import { Checkbox, Field, Input } from "../../ui/field.tsx";

interface PasswordFieldProps {
  label: string;
  value: string;
  onChange: (value: string) => void;
  /** `new`: browsers offer to make one; `current`: they fill it in. */
  kind: "new" | "current";
  autoFocus?: boolean;
}

/** A password, hidden unless one asks to see it. */
export function PasswordField({ label, value, onChange, kind, autoFocus = false }: PasswordFieldProps) {
  const [isShown, setShown] = useState(false);
  return (
    <>
      <Field
        label={label}
        isRequired
        {...(kind === "new"
          ? { hint: `${PASSWORD_CHARACTERS.min} characters or more; a few words make a good one.` }
          : {})}
      >
        <Input
          type={isShown ? "text" : "password"}
          autoComplete={`${kind}-password`}
          value={value}
          autoFocus={autoFocus}
          onChange={(event) => onChange(event.target.value)}
        />
      </Field>
      <Checkbox label="Show it" checked={isShown} onChange={(event) => setShown(event.target.checked)} />
    </>
  );
}
