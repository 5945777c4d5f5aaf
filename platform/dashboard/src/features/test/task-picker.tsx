import { insightsApi } from "@gantry/sdk";
import { useQuery } from "@tanstack/react-query";
import { useDeferredValue, useState } from "react";
import { useEnvironment } from "../../session/session-provider.tsx";
import { Card } from "../../ui/card.tsx";
import { cx } from "../../ui/class-names.ts";
import { EmptyState } from "../../ui/empty-state.tsx";
import { ErrorText } from "../../ui/error-state.tsx";
import { Input } from "../../ui/field.tsx";
import { Icon } from "../../ui/icon.tsx";
import { SkeletonRows } from "../../ui/skeleton.tsx";
import classes from "./test-page.module.css";

interface TaskPickerProps {
  selected: string | undefined;
  onSelect: (taskId: string) => void;
}

/** The tasks of the current version. */
export function TaskPicker({ selected, onSelect }: TaskPickerProps) {
  const { api, key } = useEnvironment();
  const [search, setSearch] = useState("");
  const wanted = useDeferredValue(search);
  const { data, error } = useQuery({
    queryKey: key("test-tasks", wanted),
    queryFn: async () =>
      (await insightsApi(api).listTasks({ limit: 100, search: wanted === "" ? undefined : wanted })).data,
    placeholderData: (before) => before,
  });
  return (
    <Card title="Task" isFlush className={classes.picker}>
      <div className={classes.pickerSearch}>
        <Input
          icon="search"
          type="search"
          placeholder="Find a task"
          aria-label="Find a task"
          value={search}
          onChange={(event) => setSearch(event.target.value)}
        />
      </div>
      {error && <ErrorText error={error} />}
      {data === undefined && !error && <SkeletonRows rows={5} height={36} />}
      {data?.length === 0 && (
        <EmptyState
          icon="tasks"
          title={search === "" ? "No tasks" : "No such task"}
          command={search === "" ? "npx gantry dev" : undefined}
        >
          {search === "" ? "Deploy a version, or run gantry dev beside your tasks." : "Another word may find it."}
        </EmptyState>
      )}
      <ul className={classes.tasks} aria-label="Tasks">
        {data?.map(({ id, kind }) => (
          <li key={id}>
            <button
              type="button"
              aria-pressed={id === selected}
              className={cx(classes.task, id === selected && classes.selected)}
              onClick={() => onSelect(id)}
            >
              <Icon name={kind === "SCHEDULED" ? "calendar" : "tasks"} size={14} />
              <span className="truncate" title={id}>
                {id}
              </span>
            </button>
          </li>
        ))}
      </ul>
    </Card>
  );
}
