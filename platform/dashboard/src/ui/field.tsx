import {
  cloneElement,
  type InputHTMLAttributes,
  type ReactElement,
  type ReactNode,
  type Ref,
  type SelectHTMLAttributes,
  type TextareaHTMLAttributes,
  useId,
} from "react";
import { cx } from "./class-names.ts";
import classes from "./field.module.css";
import { Icon, type IconName } from "./icon.tsx";

interface FieldProps {
  label: ReactNode;
  /** What to put there, its unit or form. */
  hint?: ReactNode;
  /** What is wrong with it. */
  error?: string | undefined;
  isRequired?: boolean;
  /** One Input, Select, Textarea or whatever takes `id`. */
  children: ReactElement<{ id?: string; "aria-describedby"?: string; "aria-invalid"?: boolean; required?: boolean }>;
}

/** A control with its label, hint and error, tied together for screen readers. */
export function Field({ label, hint, error, isRequired = false, children }: FieldProps) {
  const id = useId();
  const notes = [hint !== undefined && `${id}-hint`, error !== undefined && `${id}-error`].filter(Boolean).join(" ");
  return (
    <div className={classes.field}>
      <label htmlFor={id} className={classes.label}>
        {label}
        {isRequired && <span className={classes.required}> (required)</span>}
      </label>
      {cloneElement(children, {
        id,
        ...(notes === "" ? {} : { "aria-describedby": notes }),
        ...(error === undefined ? {} : { "aria-invalid": true }),
        ...(isRequired ? { required: true } : {}),
      })}
      {hint !== undefined && (
        <p id={`${id}-hint`} className={classes.hint}>
          {hint}
        </p>
      )}
      {error !== undefined && (
        <p id={`${id}-error`} className={classes.error} role="alert">
          <Icon name="alert" size={13} /> {error}
        </p>
      )}
    </div>
  );
}

export interface InputProps extends InputHTMLAttributes<HTMLInputElement> {
  icon?: IconName;
  isMono?: boolean;
  ref?: Ref<HTMLInputElement>;
}

export function Input({ icon, isMono = false, className, ...rest }: InputProps) {
  const input = (
    <input
      type="text"
      autoComplete="off"
      spellCheck={false}
      className={cx(classes.control, isMono && classes.mono, icon && classes.withIcon, className)}
      {...rest}
    />
  );
  if (icon === undefined) return input;
  return (
    <span className={classes.iconBox}>
      <Icon name={icon} className={classes.icon} />
      {input}
    </span>
  );
}

export interface TextareaProps extends TextareaHTMLAttributes<HTMLTextAreaElement> {
  isMono?: boolean;
}

export function Textarea({ isMono = false, className, rows = 4, ...rest }: TextareaProps) {
  return (
    <textarea
      rows={rows}
      spellCheck={false}
      className={cx(classes.control, classes.area, isMono && classes.mono, className)}
      {...rest}
    />
  );
}

export interface SelectProps extends SelectHTMLAttributes<HTMLSelectElement> {
  options: readonly { value: string; label: string }[];
}

export function Select({ options, className, ...rest }: SelectProps) {
  return (
    <select className={cx(classes.control, classes.select, className)} {...rest}>
      {options.map(({ value, label }) => (
        <option key={value} value={value}>
          {label}
        </option>
      ))}
    </select>
  );
}

interface CheckboxProps extends Omit<InputHTMLAttributes<HTMLInputElement>, "type"> {
  /** Beside the box. Without it give an `aria-label`. */
  label?: ReactNode;
  /** Some, but not all, of what it stands for. */
  isMixed?: boolean;
}

export function Checkbox({ label, isMixed = false, className, ...rest }: CheckboxProps) {
  return (
    <label className={cx(classes.check, className)}>
      <input
        type="checkbox"
        ref={(input) => {
          if (input) input.indeterminate = isMixed;
        }}
        {...rest}
      />
      {label !== undefined && <span>{label}</span>}
    </label>
  );
}

interface SwitchProps {
  label: ReactNode;
  isOn: boolean;
  onChange: (isOn: boolean) => void;
  /** Hides the label from sight, not from screen readers. */
  isLabelHidden?: boolean;
  disabledReason?: string | undefined;
}

/** On or off, at once: not for forms that are sent later. */
export function Switch({ label, isOn, onChange, isLabelHidden = false, disabledReason }: SwitchProps) {
  const id = useId();
  const isOff = disabledReason !== undefined;
  return (
    <span className={classes.switch} title={disabledReason}>
      <button
        type="button"
        role="switch"
        id={id}
        aria-checked={isOn}
        aria-disabled={isOff || undefined}
        aria-labelledby={`${id}-label`}
        onClick={() => !isOff && onChange(!isOn)}
      />
      <label id={`${id}-label`} htmlFor={id} className={isLabelHidden ? "visually-hidden" : undefined}>
        {label}
        {isOff && <span className="visually-hidden"> ({disabledReason})</span>}
      </label>
    </span>
  );
}
