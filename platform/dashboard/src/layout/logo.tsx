import { Link } from "../ui/link.tsx";
import classes from "./sidebar.module.css";

export function Logo() {
  return (
    <Link to="/" look="plain" className={classes.logo}>
      <svg width="22" height="22" viewBox="0 0 32 32" aria-hidden>
        <rect width="32" height="32" rx="7" fill="var(--accent)" />
        <path
          d="M7 24V9.5h18V24M7 14h18M16 14v5.5m-2.5 0h5v3.5h-5z"
          fill="none"
          stroke="#fff"
          strokeWidth="2.2"
          strokeLinejoin="round"
          strokeLinecap="round"
        />
      </svg>
      Gantry
    </Link>
  );
}
