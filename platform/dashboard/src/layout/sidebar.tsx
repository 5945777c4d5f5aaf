import { Link as RouterLink } from "@tanstack/react-router";
import { UserMenu } from "../features/account/user-menu.tsx";
import { useEnvironment } from "../session/session-provider.tsx";
import { Icon } from "../ui/icon.tsx";
import { Kbd } from "../ui/key-value.tsx";
import { openPalette } from "./command-palette-host.tsx";
import { EnvironmentSwitcher } from "./environment-switcher.tsx";
import { LiveIndicator } from "./live-indicator.tsx";
import { Logo } from "./logo.tsx";
import { NAVIGATION } from "./navigation.ts";
import classes from "./sidebar.module.css";
import { ThemeToggle } from "./theme-toggle.tsx";

const isMac = /mac|iphone|ipad/i.test(navigator.userAgent);

export function Sidebar() {
  const { project, environment } = useEnvironment();
  return (
    <div className={classes.sidebar}>
      <div className={classes.top}>
        <Logo />
        <EnvironmentSwitcher />
        <button type="button" className={classes.jump} onClick={openPalette} aria-keyshortcuts="Control+K Meta+K">
          <Icon name="search" size={14} />
          <span>Go anywhere</span>
          <Kbd>{isMac ? "⌘" : "Ctrl"} K</Kbd>
        </button>
      </div>
      <nav aria-label="Pages" className={classes.nav}>
        {NAVIGATION.map((group) => (
          <div key={group.label} className={classes.group}>
            <h2 className={classes.heading}>{group.label}</h2>
            <ul>
              {group.items.map((item) => (
                <li key={item.path}>
                  <RouterLink
                    to={`/projects/$project/$environment/${item.path}` as "/projects/$project/$environment/runs"}
                    params={{ project, environment }}
                    className={classes.item}
                    activeProps={{ className: classes.active }}
                    activeOptions={{ includeSearch: false }}
                  >
                    <Icon name={item.icon} />
                    {item.label}
                  </RouterLink>
                </li>
              ))}
            </ul>
          </div>
        ))}
      </nav>
      <div className={classes.bottom}>
        <LiveIndicator />
        <ThemeToggle />
        <UserMenu />
      </div>
    </div>
  );
}
