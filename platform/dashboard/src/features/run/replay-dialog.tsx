import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useEnvironment } from "../../session/session-provider.tsx";
import { Button } from "../../ui/button.tsx";
import { Dialog } from "../../ui/dialog.tsx";
import { ErrorText } from "../../ui/error-state.tsx";
import { JsonEditor } from "../../ui/json-editor.tsx";
import { Stack } from "../../ui/page.tsx";
import { Skeleton } from "../../ui/skeleton.tsx";
import { useTaskSchema } from "../test/use-task-schema.ts";
import type { RunView } from "./run-view.ts";
import { encodePayload, parseJsonText, toJsonText } from "./shown-value.ts";

interface ReplayDialogProps {
  run: RunView;
  onClose: () => void;
  onReplayed: (runId: string) => void;
}

/** A new run of the same task with another payload. */
export function ReplayDialog({ run, onClose, onReplayed }: ReplayDialogProps) {
  const { api } = useEnvironment();
  const original = usePayloadText(run);
  const schema = useTaskSchema(run.taskIdentifier);
  const [edited, setEdited] = useState<string>();
  const [isBusy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();
  const text = edited ?? original.data ?? "";
  const submit = async () => {
    const parsed = parseJsonText(text);
    if (!parsed.ok) return setError(new Error(parsed.message));
    setBusy(true);
    setError(undefined);
    try {
      const isChanged = edited !== undefined && edited !== original.data;
      const body = isChanged ? encodePayload(parsed.value, run.payloadMeta) : {};
      onReplayed((await api.replayRun(run.id, body)).id);
      onClose();
    } catch (thrown) {
      setError(thrown);
    } finally {
      setBusy(false);
    }
  };
  return (
    <Dialog
      isOpen
      onClose={onClose}
      size="lg"
      title={`Replay ${run.taskIdentifier}`}
      onSubmit={() => void submit()}
      footer={
        <>
          <Button onClick={onClose}>Close</Button>
          <Button type="submit" variant="primary" icon="replay" isBusy={isBusy}>
            Replay
          </Button>
        </>
      }
    >
      <Stack gap={10}>
        <p className="muted">
          A new run with this payload and the options of this one, on the current version. Ctrl/⌘ Enter starts it.
        </p>
        {original.isPending ? (
          <Skeleton height={320} />
        ) : (
          <JsonEditor
            label="Payload"
            value={text}
            onChange={setEdited}
            schema={schema}
            height={320}
            onSubmit={() => void submit()}
          />
        )}
        {original.error && <ErrorText error={original.error} />}
        {error !== undefined && <ErrorText error={error} />}
      </Stack>
    </Dialog>
  );
}

/** A payload that is large is fetched from where it is. */
function usePayloadText(run: RunView) {
  const { key } = useEnvironment();
  return useQuery({
    queryKey: key("payload", run.id),
    staleTime: Number.POSITIVE_INFINITY,
    queryFn: async ({ signal }) => {
      if (run.payloadPresignedUrl === undefined) return run.payload === undefined ? "" : toJsonText(run.payload);
      const response = await fetch(run.payloadPresignedUrl, { signal });
      if (!response.ok) throw new Error(`The payload could not be fetched: the server answered ${response.status}.`);
      return toJsonText(JSON.parse(await response.text()));
    },
  });
}
