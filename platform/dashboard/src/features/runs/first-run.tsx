import { useTaskIds } from "../../queries/use-task-ids.ts";
import { useEnvironment, useSession } from "../../session/session-provider.tsx";
import { CommandLine } from "../../ui/command-line.tsx";
import { Icon } from "../../ui/icon.tsx";
import classes from "./first-run.module.css";

/** What to do where nothing has run yet: from an empty folder to the first run. */
export function FirstRun() {
  const { environments } = useSession();
  const { project, environment } = useEnvironment();
  const here = environments.find((each) => each.project === project && each.environment === environment);
  const isDev = here?.type === "DEVELOPMENT";
  const url = location.origin;
  const { ids } = useTaskIds();
  const task = ids[0] ?? "hello-world";
  return (
    <div className={classes.box}>
      <span className={classes.icon}>
        <Icon name="rocket" size={22} />
      </span>
      <h2>No runs yet</h2>
      <p>They appear here the moment they are triggered. From a project of yours:</p>
      <ol className={classes.steps}>
        <li>
          <h3>Add Gantry to the project</h3>
          <CommandLine command="npx gantry init" />
        </li>
        {isDev ? (
          <li>
            <h3>Run its tasks on this machine</h3>
            <CommandLine
              command={location.port === "4400" ? "npx gantry dev" : `npx gantry dev --port ${location.port}`}
            />
          </li>
        ) : (
          <li>
            <h3>Deploy it to {environment}</h3>
            <CommandLine command={`export GANTRY_API_URL=${url}\nnpx gantry deploy`} />
          </li>
        )}
        <li>
          <h3>Trigger a task</h3>
          <CommandLine command={`npx gantry trigger ${task} --api-url ${url}`} />
        </li>
      </ol>
    </div>
  );
}
