import type { ReactNode } from "react";
import { PlaceLink } from "../../layout/place-link.tsx";

/** To the runs that match; `search` as the list of runs has it in its address. */
export function RunsLink({ search, children }: { search: Record<string, string>; children: ReactNode }) {
  return (
    <PlaceLink page="runs" search={search}>
      {children}
    </PlaceLink>
  );
}

export function BatchLink({ id }: { id: string }) {
  return (
    <PlaceLink page="batches/$batchId" params={{ batchId: id }}>
      <span className="mono" title={id}>
        batch_…{id.slice(-6)}
      </span>
    </PlaceLink>
  );
}

export function TokenLink({ id }: { id: string }) {
  return (
    <PlaceLink page="tokens/$tokenId" params={{ tokenId: id }}>
      <span className="mono" title={id}>
        waitpoint_…{id.slice(-6)}
      </span>
    </PlaceLink>
  );
}
