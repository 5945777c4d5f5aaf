import type { IconName } from "../ui/icon.tsx";

export interface NavigationItem {
  /** Within the environment: `runs`. */
  path: string;
  label: string;
  icon: IconName;
  /** Other words somebody may look for it by. */
  keywords?: string;
}

interface NavigationGroup {
  label: string;
  items: readonly NavigationItem[];
}

/** The pages of an environment, as the sidebar and the command palette list them. */
export const NAVIGATION: readonly NavigationGroup[] = [
  {
    label: "Work",
    items: [
      { path: "runs", label: "Runs", icon: "runs", keywords: "list jobs executions" },
      { path: "errors", label: "Errors", icon: "alert", keywords: "dead letters failed failures" },
      { path: "tasks", label: "Tasks", icon: "tasks", keywords: "functions volume" },
      { path: "test", label: "Test", icon: "flask", keywords: "trigger payload try" },
    ],
  },
  {
    label: "Flow",
    items: [
      { path: "queues", label: "Queues", icon: "queue", keywords: "concurrency pause limits" },
      { path: "schedules", label: "Schedules", icon: "calendar", keywords: "cron" },
      { path: "batches", label: "Batches", icon: "batch" },
      { path: "tokens", label: "Waitpoint tokens", icon: "hourglass", keywords: "approval waits" },
    ],
  },
  {
    label: "Environment",
    items: [
      { path: "deployments", label: "Deployments", icon: "rocket", keywords: "versions promote builds" },
      { path: "variables", label: "Variables", icon: "variable", keywords: "environment variables env secrets" },
      { path: "keys", label: "API keys", icon: "key", keywords: "credentials secret" },
      { path: "cluster", label: "Cluster", icon: "cluster", keywords: "pods nodes kubernetes workers" },
      { path: "limits", label: "Limits", icon: "gauge", keywords: "quota usage settings pause environment" },
    ],
  },
];
