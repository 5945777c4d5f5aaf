import { Outlet, useLocation } from "@tanstack/react-router";
import { useEffect, useState } from "react";
import { LiveEnvironmentProvider } from "../session/live-environment.tsx";
import { useEnvironment } from "../session/session-provider.tsx";
import { IconButton } from "../ui/button.tsx";
import { cx } from "../ui/class-names.ts";
import { CommandPaletteHost, openPalette } from "./command-palette-host.tsx";
import classes from "./environment-layout.module.css";
import { rememberPlace } from "./last-place.ts";
import { LiveIndicator } from "./live-indicator.tsx";
import { Logo } from "./logo.tsx";
import { Sidebar } from "./sidebar.tsx";

/** Navigation at the left (behind a button where there is no room), the page beside it. */
export function EnvironmentLayout() {
  return (
    <LiveEnvironmentProvider>
      <Frame />
    </LiveEnvironmentProvider>
  );
}

function Frame() {
  const { project, environment } = useEnvironment();
  const { pathname } = useLocation();
  const [isOpen, setOpen] = useState(false);
  useEffect(() => rememberPlace({ project, environment }), [project, environment]);
  useEffect(() => setOpen(false), [pathname]);
  return (
    <div className={classes.layout}>
      <a className={classes.skip} href="#main">
        Skip to the content
      </a>
      <header className={classes.topbar}>
        <IconButton
          icon={isOpen ? "x" : "menu"}
          label={isOpen ? "Close the menu" : "Menu"}
          aria-expanded={isOpen}
          onClick={() => setOpen(!isOpen)}
        />
        <Logo />
        <span className={classes.space} />
        <LiveIndicator />
        <IconButton icon="search" label="Go anywhere" onClick={openPalette} />
      </header>
      <div
        className={cx(classes.sidebar, isOpen && classes.open)}
        onKeyDown={(event) => event.key === "Escape" && setOpen(false)}
        role="presentation"
      >
        <Sidebar />
      </div>
      {isOpen && <div className={classes.shade} role="presentation" onClick={() => setOpen(false)} />}
      <CommandPaletteHost />
      <main id="main" tabIndex={-1} className={classes.main}>
        <Outlet />
      </main>
    </div>
  );
}
