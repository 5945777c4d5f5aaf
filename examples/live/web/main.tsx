import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { App } from "./app.tsx";
import { platformUrl } from "./backend.ts";
import "./style.css";

const apiUrl = await platformUrl();
createRoot(document.getElementById("root") as HTMLElement).render(
  <StrictMode>
    <App apiUrl={apiUrl} />
  </StrictMode>,
);
