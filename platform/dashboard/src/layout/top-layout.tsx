import { Outlet } from "@tanstack/react-router";
import { UserMenu } from "../features/account/user-menu.tsx";
import { Logo } from "./logo.tsx";
import { ThemeToggle } from "./theme-toggle.tsx";
import classes from "./top-layout.module.css";

/** Around what belongs to no environment: a bar above the page. */
export function TopLayout() {
  return (
    <div className={classes.layout}>
      <header className={classes.bar}>
        <Logo />
        <span className={classes.space} />
        <ThemeToggle />
        <UserMenu />
      </header>
      <main id="main" tabIndex={-1}>
        <Outlet />
      </main>
    </div>
  );
}
