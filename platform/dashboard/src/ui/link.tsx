import { createLink } from "@tanstack/react-router";
import type { AnchorHTMLAttributes, ReactNode, Ref } from "react";
import { buttonClass } from "./button-class.ts";
import { cx } from "./class-names.ts";
import { Icon, type IconName } from "./icon.tsx";
import classes from "./link.module.css";

interface AnchorProps extends AnchorHTMLAttributes<HTMLAnchorElement> {
  /** `quiet` looks like the text around it until it is pointed at. Default "accent". */
  look?: "accent" | "quiet" | "plain";
  ref?: Ref<HTMLAnchorElement>;
}

function Anchor({ look = "accent", className, ...rest }: AnchorProps) {
  return <a className={cx(classes[look], className)} {...rest} />;
}

/** A link within the dashboard: the router's own props (`to`, `params`, `search`) and `look`. */
export const Link = createLink(Anchor);

interface ButtonAnchorProps extends AnchorHTMLAttributes<HTMLAnchorElement> {
  variant?: "primary" | "secondary" | "ghost";
  size?: "sm" | "md";
  icon?: IconName | undefined;
  ref?: Ref<HTMLAnchorElement>;
}

function ButtonAnchor({ variant = "secondary", size = "md", icon, className, children, ...rest }: ButtonAnchorProps) {
  return (
    <a className={cx(buttonClass(variant, size), className)} {...rest}>
      {icon && <Icon name={icon} />}
      {children as ReactNode}
    </a>
  );
}

/** A link within the dashboard that looks like a button. */
export const LinkButton = createLink(ButtonAnchor);

/** A link to another site, in a new tab. */
export function ExternalLink({ href, children }: { href: string; children: ReactNode }) {
  return (
    <a className={cx(classes.accent, classes.external)} href={href} target="_blank" rel="noreferrer noopener">
      {children}
      <Icon name="external" size={12} label="opens in a new tab" />
    </a>
  );
}
