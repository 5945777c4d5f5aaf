import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useEnvironment } from "../../session/session-provider.tsx";
import { Button } from "../../ui/button.tsx";
import { ErrorText } from "../../ui/error-state.tsx";
import { JsonView } from "../../ui/json-view.tsx";
import { ExternalLink } from "../../ui/link.tsx";
import { Stack } from "../../ui/page.tsx";
import { safeUrl } from "./shown-value.ts";

interface ValuePanelProps {
  runId: string;
  /** "Payload". */
  label: string;
  value: unknown;
  /** Instead of the value, where that is large. */
  url: string | undefined;
  /** Why there is none. */
  emptyText: string;
}

/** A payload or an output. */
export function ValuePanel({ runId, label, value, url, emptyText }: ValuePanelProps) {
  if (url !== undefined) return <LargeValue runId={runId} label={label} url={url} />;
  if (value === undefined) return <p className="muted">{emptyText}</p>;
  const link = typeof value === "string" ? safeUrl(value) : undefined;
  return (
    <Stack gap={8}>
      <JsonView value={value} label={label} />
      {link !== undefined && <ExternalLink href={link}>Open</ExternalLink>}
    </Stack>
  );
}

/** It is fetched when somebody asks for it. */
function LargeValue({ runId, label, url }: { runId: string; label: string; url: string }) {
  const { key } = useEnvironment();
  const [isWanted, setWanted] = useState(false);
  const { data, error, isFetching } = useQuery({
    queryKey: key("large", runId, label),
    enabled: isWanted,
    staleTime: Number.POSITIVE_INFINITY,
    queryFn: async ({ signal }) => {
      const response = await fetch(url, { signal });
      if (!response.ok) throw new Error(`The server answered ${response.status}.`);
      const text = await response.text();
      return { value: parsed(text) };
    },
  });
  if (data !== undefined) return <JsonView value={data.value} label={label} openDepth={1} />;
  return (
    <Stack gap={8}>
      <p className="muted">It is large and was not loaded.</p>
      <Button size="sm" icon="download" isBusy={isFetching} onClick={() => setWanted(true)}>
        Load it
      </Button>
      {error && <ErrorText error={error} />}
    </Stack>
  );
}

/** What superjson adds to restore dates and the like is left out. */
function parsed(text: string): unknown {
  try {
    const value = JSON.parse(text) as unknown;
    const isSuper = typeof value === "object" && value !== null && "json" in value && Object.keys(value).length <= 2;
    return isSuper ? (value as { json: unknown }).json : value;
  } catch {
    return text;
  }
}
