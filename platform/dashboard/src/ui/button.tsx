import type { ButtonHTMLAttributes, ReactNode, Ref } from "react";
import classes from "./button.module.css";
import { cx } from "./class-names.ts";
import { Icon, type IconName } from "./icon.tsx";
import { Tooltip } from "./tooltip.tsx";

interface Common extends Omit<ButtonHTMLAttributes<HTMLButtonElement>, "disabled"> {
  variant?: "primary" | "secondary" | "ghost" | "danger";
  size?: "sm" | "md";
  /** Shows a spinner and takes no clicks. */
  isBusy?: boolean | undefined;
  /** Why it cannot be used now, shown to whoever points at it or focuses it; undefined where it can. */
  disabledReason?: string | undefined;
  ref?: Ref<HTMLButtonElement>;
}

export interface ButtonProps extends Common {
  icon?: IconName | undefined;
  children: ReactNode;
}

/** An action. It stays focusable where it is disabled, so that its reason can be read by everyone. */
export function Button({ icon, children, ...rest }: ButtonProps) {
  return (
    <BareButton {...rest}>
      {rest.isBusy ? <Icon name="spinner" className={classes.spinner} /> : icon && <Icon name={icon} />}
      <span className={classes.text}>{children}</span>
    </BareButton>
  );
}

export interface IconButtonProps extends Common {
  icon: IconName;
  /** What it does: its name for screen readers, and its tooltip. */
  label: string;
}

export function IconButton({ icon, label, variant = "ghost", className, ...rest }: IconButtonProps) {
  const button = (
    <BareButton variant={variant} aria-label={label} className={cx(classes.square, className)} {...rest}>
      <Icon name={rest.isBusy ? "spinner" : icon} className={rest.isBusy ? classes.spinner : undefined} />
    </BareButton>
  );
  return rest.disabledReason === undefined ? <Tooltip text={label}>{button}</Tooltip> : button;
}

function BareButton({
  variant = "secondary",
  size = "md",
  isBusy = false,
  disabledReason,
  className,
  onClick,
  type = "button",
  ...rest
}: Common) {
  const isOff = isBusy || disabledReason !== undefined;
  const button = (
    <button
      type={isOff ? "button" : type}
      className={cx(classes.button, classes[variant], classes[size], className)}
      aria-disabled={isOff || undefined}
      aria-busy={isBusy || undefined}
      onClick={isOff ? (event) => event.preventDefault() : onClick}
      {...rest}
    />
  );
  return disabledReason === undefined ? button : <Tooltip text={disabledReason}>{button}</Tooltip>;
}
