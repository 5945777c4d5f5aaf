import { useNavigate } from "@tanstack/react-router";
import type { SessionEnvironment } from "../session/session.ts";
import { useEnvironment, useSession } from "../session/session-provider.tsx";
import { cx } from "../ui/class-names.ts";
import { Icon } from "../ui/icon.tsx";
import { Menu } from "../ui/menu.tsx";
import classes from "./sidebar.module.css";

/** Where one is, and the way to the other environments, to the same kind of page there. */
export function EnvironmentSwitcher() {
  const { environments } = useSession();
  const { project, environment } = useEnvironment();
  const navigate = useNavigate();
  const isHere = (each: SessionEnvironment) => each.project === project && each.environment === environment;
  const here = environments.find(isHere);
  const goTo = (place: SessionEnvironment) =>
    void navigate({
      to: "/projects/$project/$environment/runs",
      params: { project: place.project, environment: place.environment },
    });
  return (
    <Menu
      label="Environments"
      trigger={(props) => (
        <button type="button" className={classes.switcher} {...props}>
          <span className={classes.place}>
            <span className={cx(classes.project, "truncate")}>{here?.projectName ?? project}</span>
            <span className={classes.environment}>
              <span className={cx(classes.dot, here && classes[here.type])} />
              {environment}
            </span>
          </span>
          <Icon name="chevrons-up-down" size={14} />
        </button>
      )}
      items={environments.map((each) => ({
        label: `${each.projectName} / ${each.environment}`,
        hint: each.type.toLowerCase(),
        isSelected: isHere(each),
        onSelect: () => goTo(each),
      }))}
    />
  );
}
