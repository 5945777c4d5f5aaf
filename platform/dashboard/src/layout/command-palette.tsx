import { useNavigate } from "@tanstack/react-router";
import { type KeyboardEvent, useEffect, useMemo, useRef, useState } from "react";
import { useTaskIds } from "../queries/use-task-ids.ts";
import { useEnvironment, useSession } from "../session/session-provider.tsx";
import { saveTheme, THEMES } from "../theme/theme.ts";
import { Icon } from "../ui/icon.tsx";
import { Kbd } from "../ui/key-value.tsx";
import classes from "./command-palette.module.css";
import { NAVIGATION } from "./navigation.ts";
import { findItems, type PaletteItem, runIdIn } from "./palette-items.ts";

/** Pages, tasks, environments, a run by its id, a search for anything else: by typing. */
export default function CommandPalette({ onClose }: { onClose: () => void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const [typed, setTyped] = useState("");
  const [at, setAt] = useState(0);
  const items = usePaletteItems(typed);
  useEffect(() => {
    const opener = document.activeElement as HTMLElement | null;
    dialog.current?.showModal();
    return () => opener?.focus();
  }, []);
  const choose = (item: PaletteItem | undefined) => {
    if (item === undefined) return;
    onClose();
    item.go();
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: items.length - 1 }[event.key];
    if (event.key === "Enter") choose(items[at]);
    if (to === undefined || items.length === 0) return;
    event.preventDefault();
    const next = (to + items.length) % items.length;
    setAt(next);
    document.getElementById(`palette-${next}`)?.scrollIntoView({ block: "nearest" });
  };
  return (
    <dialog
      ref={dialog}
      className={classes.palette}
      aria-label="Go anywhere"
      onClose={onClose}
      onClick={(event) => event.target === dialog.current && onClose()}
    >
      <div className={classes.field}>
        <Icon name="search" />
        <input
          role="combobox"
          aria-label="Where to"
          aria-expanded
          aria-controls="palette-list"
          aria-autocomplete="list"
          aria-activedescendant={items[at] && `palette-${at}`}
          placeholder="A page, a task, a run’s id…"
          autoComplete="off"
          spellCheck={false}
          value={typed}
          onChange={({ target }) => {
            setTyped(target.value);
            setAt(0);
          }}
          onKeyDown={onKeyDown}
        />
        <Kbd>Esc</Kbd>
      </div>
      <div role="listbox" id="palette-list" aria-label="Places" className={classes.list}>
        {items.map((item, index) => (
          <div
            key={item.id}
            role="option"
            id={`palette-${index}`}
            aria-selected={index === at}
            tabIndex={-1}
            className={classes.item}
            onPointerMove={() => setAt(index)}
            onClick={() => choose(item)}
            onKeyDown={onKeyDown}
          >
            <Icon name={item.icon} />
            <span className="truncate">{item.label}</span>
            <span className={classes.kind}>{item.kind}</span>
          </div>
        ))}
      </div>
      <p className={classes.none} aria-live="polite">
        {items.length === 0 ? "Nothing fits." : ""}
      </p>
    </dialog>
  );
}

function usePaletteItems(typed: string): PaletteItem[] {
  const { environments } = useSession();
  const { project, environment } = useEnvironment();
  const { ids } = useTaskIds();
  const navigate = useNavigate();
  const all = useMemo(() => {
    const goTo = (path: string, search: Record<string, string> = {}): void =>
      void navigate({
        to: `/projects/$project/$environment/${path}` as "/projects/$project/$environment/runs",
        params: { project, environment },
        search: search as never,
      });
    const pages = NAVIGATION.flatMap(({ items }) => items).map((page) => ({
      id: `page ${page.path}`,
      label: page.label,
      kind: "Page",
      icon: page.icon,
      keywords: page.keywords,
      go: () => goTo(page.path),
    }));
    const tasks = ids.flatMap((id) => [
      {
        id: `task ${id}`,
        label: id,
        kind: "Task",
        icon: "tasks" as const,
        go: () => goTo(`tasks/${encodeURIComponent(id)}`),
      },
      {
        id: `test ${id}`,
        label: `Test ${id}`,
        kind: "Test",
        icon: "flask" as const,
        go: () => goTo("test", { task: id }),
      },
    ]);
    const others = environments
      .filter((each) => each.project !== project || each.environment !== environment)
      .map((each) => ({
        id: `environment ${each.project}/${each.environment}`,
        label: `${each.projectName} / ${each.environment}`,
        kind: "Environment",
        icon: "globe" as const,
        go: () =>
          void navigate({
            to: "/projects/$project/$environment/runs",
            params: { project: each.project, environment: each.environment },
          }),
      }));
    const themes = THEMES.map((theme) => ({
      id: `theme ${theme}`,
      label: `Theme: ${theme}`,
      kind: "Setting",
      icon: "sun" as const,
      keywords: "dark light mode",
      go: () => saveTheme(theme),
    }));
    return { goTo, items: [...pages, ...tasks, ...others, ...themes] };
  }, [environments, project, environment, ids, navigate]);
  const runId = runIdIn(typed);
  const text = typed.trim();
  const asked: PaletteItem[] = [];
  if (runId !== undefined)
    asked.push({ id: "run", label: runId, kind: "Run", icon: "runs", go: () => all.goTo(`runs/${runId}`) });
  else if (text !== "")
    asked.push({
      id: "search",
      label: `Runs with “${text}”`,
      kind: "Search",
      icon: "search",
      go: () => all.goTo("runs", { search: text }),
    });
  const found = findItems(all.items, typed);
  return runId === undefined ? [...found, ...asked] : [...asked, ...found];
}
