import { useWaitToken } from "@gantry/sdk/react";
import type { ReactNode } from "react";
import type { Decision } from "../contact.ts";

/** The run waits for this: without a process, until somebody decides. */
export function Approval(props: { tokenId: string; publicAccessToken: string; good: number }): ReactNode {
  const { tokenId, publicAccessToken, good } = props;
  const { complete, isLoading, isCompleted, error } = useWaitToken<Decision>(tokenId, {
    accessToken: publicAccessToken,
  });
  const isBusy = isLoading || isCompleted;
  return (
    <div className="approval">
      <p>
        <strong>{good} contacts</strong> are good. Import them?
      </p>
      <div className="actions">
        <button type="button" className="button primary" disabled={isBusy} onClick={() => complete({ approved: true })}>
          Approve
        </button>
        <button type="button" className="button" disabled={isBusy} onClick={() => complete({ approved: false })}>
          Discard
        </button>
      </div>
      {error !== undefined && <p role="alert">{error.message}</p>}
    </div>
  );
}
