import { ICON_PATHS, type IconName } from "./icon-paths.ts";

export type { IconName };

interface IconProps {
  name: IconName;
  /** Pixels. Default 16. */
  size?: number;
  /** For screen readers; without it the icon is decoration. */
  label?: string;
  className?: string | undefined;
}

/** One of the dashboard's line icons, in the colour of the text around it. */
export function Icon({ name, size = 16, label, className }: IconProps) {
  return (
    <svg
      width={size}
      height={size}
      viewBox="0 0 16 16"
      fill="none"
      stroke="currentColor"
      strokeWidth={1.5}
      strokeLinecap="round"
      strokeLinejoin="round"
      className={className}
      {...(label === undefined ? { "aria-hidden": true } : { role: "img", "aria-label": label })}
    >
      <path d={ICON_PATHS[name]} />
    </svg>
  );
}
