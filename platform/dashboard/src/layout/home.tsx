import { Navigate } from "@tanstack/react-router";
import { useSession } from "../session/session-provider.tsx";
import { EmptyState } from "../ui/empty-state.tsx";
import { Page } from "../ui/page.tsx";
import { firstPlace } from "./last-place.ts";

/** `/`: on to the environment that was used last. */
export function Home() {
  const { environments } = useSession();
  const place = firstPlace(environments);
  if (place !== undefined)
    return (
      <Navigate
        to="/projects/$project/$environment/runs"
        params={{ project: place.project, environment: place.environment }}
        replace
      />
    );
  return (
    <Page title="Welcome">
      <EmptyState icon="rocket" title="No project yet" command={FIRST_STEPS}>
        A project begins with the first start of <code>gantry dev</code>, or with the operator's command on a cluster.
      </EmptyState>
    </Page>
  );
}

const FIRST_STEPS = "npx gantry init\nnpx gantry dev";
