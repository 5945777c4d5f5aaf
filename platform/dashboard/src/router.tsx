import { createRootRoute, createRoute, createRouter, lazyRouteComponent } from "@tanstack/react-router";
import type { ComponentType } from "react";
import { EnvironmentLayout } from "./layout/environment-layout.tsx";
import { Home } from "./layout/home.tsx";
import { NotFound, PageError, PagePending } from "./layout/page-states.tsx";
import { Root } from "./layout/root.tsx";
import { parseSearch, stringifySearch } from "./layout/search-params.ts";
import { TopLayout } from "./layout/top-layout.tsx";

type LoadPage = () => Promise<{ default: ComponentType }>;

const rootRoute = createRootRoute({ component: Root, notFoundComponent: NotFound });

/** What belongs to no environment. */
const topRoute = createRoute({ getParentRoute: () => rootRoute, id: "top", component: TopLayout });

const home = createRoute({ getParentRoute: () => topRoute, path: "/", component: Home });

const environmentRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: "/projects/$project/$environment",
  component: EnvironmentLayout,
});

/** A page within an environment: `/projects/:project/:environment/<path>`. Its code comes when it is opened or pointed at. */
const page = <const TPath extends string>(path: TPath, load: LoadPage) =>
  createRoute({ getParentRoute: () => environmentRoute, path, component: lazyRouteComponent(load) });

const topPage = <const TPath extends string>(path: TPath, load: LoadPage) =>
  createRoute({ getParentRoute: () => topRoute, path, component: lazyRouteComponent(load) });

/** Addresses that are of use to strangers alone: whoever is signed in goes on. */
const afterSignIn = <const TPath extends string>(path: TPath) =>
  createRoute({ getParentRoute: () => topRoute, path, component: Home });

const environmentIndex = page("/", () => import("./layout/environment-index.tsx"));

const routeTree = rootRoute.addChildren([
  topRoute.addChildren([
    home,
    afterSignIn("sign-in"),
    afterSignIn("setup"),
    // Also where there is no project yet.
    topPage("account", () => import("./features/account/account-page.tsx")),
    topPage("members", () => import("./features/members/members-page.tsx")),
    topPage("audit", () => import("./features/audit/audit-page.tsx")),
  ]),
  environmentRoute.addChildren([
    environmentIndex,
    page("runs", () => import("./features/runs/runs-page.tsx")),
    page("runs/$runId", () => import("./features/run/run-page.tsx")),
    page("test", () => import("./features/test/test-page.tsx")),
    page("errors", () => import("./features/errors/errors-page.tsx")),
    page("tasks", () => import("./features/tasks/tasks-page.tsx")),
    page("tasks/$taskId", () => import("./features/tasks/task-page.tsx")),
    page("queues", () => import("./features/queues/queues-page.tsx")),
    page("schedules", () => import("./features/schedules/schedules-page.tsx")),
    page("batches", () => import("./features/batches/batches-page.tsx")),
    page("batches/$batchId", () => import("./features/batches/batch-page.tsx")),
    page("tokens", () => import("./features/tokens/tokens-page.tsx")),
    page("tokens/$tokenId", () => import("./features/tokens/token-page.tsx")),
    page("deployments", () => import("./features/deployments/deployments-page.tsx")),
    page("deployments/$version", () => import("./features/deployments/deployment-page.tsx")),
    page("builds/$buildId", () => import("./features/deployments/build-page.tsx")),
    page("variables", () => import("./features/variables/variables-page.tsx")),
    page("keys", () => import("./features/keys/keys-page.tsx")),
    page("cluster", () => import("./features/cluster/cluster-page.tsx")),
    page("limits", () => import("./features/limits/limits-page.tsx")),
    page("account", () => import("./features/account/account-page.tsx")),
    page("members", () => import("./features/members/members-page.tsx")),
    page("audit", () => import("./features/audit/audit-page.tsx")),
  ]),
]);

export const router = createRouter({
  routeTree,
  defaultPreload: "intent",
  defaultPendingComponent: PagePending,
  defaultPendingMs: 150,
  defaultErrorComponent: PageError,
  defaultNotFoundComponent: NotFound,
  parseSearch,
  stringifySearch,
  scrollRestoration: true,
  scrollToTopSelectors: ["main"],
});

declare module "@tanstack/react-router" {
  interface Register {
    router: typeof router;
  }
}
