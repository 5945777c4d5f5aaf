import classes from "./button.module.css";
import { cx } from "./class-names.ts";

/** How a button looks, for what is not a `<button>`. */
export function buttonClass(variant: "primary" | "secondary" | "ghost", size: "sm" | "md"): string {
  return cx(classes.button, classes[variant], classes[size]);
}
