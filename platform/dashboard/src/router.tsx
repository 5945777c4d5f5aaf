import { createRootRoute, createRoute, createRouter, lazyRouteComponent } from "@tanstack/react-router";
import type { ComponentType } from "react";
import { Home } from "./layout/home.tsx";
import { EnvironmentLayout } from "./layout/environment-layout.tsx";
import { NotFound, PageError, PagePending } from "./layout/page-states.tsx";
import { Root } from "./layout/root.tsx";
import { parseSearch, stringifySearch } from "./layout/search-params.ts";

type LoadPage = () => Promise<{ default: ComponentType }>;

const rootRoute = createRootRoute({ component: Root, notFoundComponent: NotFound });

const home = createRoute({ getParentRoute: () => rootRoute, path: "/", component: Home });

const environmentRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: "/projects/$project/$environment",
  component: EnvironmentLayout,
});

/** A page within an environment: `/projects/:project/:environment/<path>`. Its code comes when it is opened or pointed at. */
const page = <const TPath extends string>(path: TPath, load: LoadPage) =>
  createRoute({ getParentRoute: () => environmentRoute, path, component: lazyRouteComponent(load) });

const environmentIndex = page("/", () => import("./layout/environment-index.tsx"));

const routeTree = rootRoute.addChildren([
  home,
  environmentRoute.addChildren([environmentIndex, page("runs", () => import("./features/runs/runs-page.tsx"))]),
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
