import "./styles/tokens.css";
import "./styles/base.css";
import { QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { queryClient } from "./queries/query-client.ts";
import { router } from "./router.tsx";
import { sessionQuery } from "./session/session-query.ts";
import { applyTheme, savedTheme } from "./theme/theme.ts";

applyTheme(savedTheme());
// Asked for before anything is drawn: nothing can be shown without its answer.
void queryClient.prefetchQuery(sessionQuery);

const root = document.getElementById("root");
if (root === null) throw new Error("index.html has no #root");
createRoot(root).render(
  <StrictMode>
    <QueryClientProvider client={queryClient}>
      <RouterProvider router={router} />
    </QueryClientProvider>
  </StrictMode>,
);
