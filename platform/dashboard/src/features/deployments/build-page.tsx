import { useParams } from "@tanstack/react-router";
import { PlaceButton, PlaceLink } from "../../layout/place-link.tsx";
import { Page } from "../../ui/page.tsx";
import { BuildLog } from "./build-log.tsx";
import { useBuildLog } from "./use-deployments.ts";

/** A build that became a version, failed, or goes on. */
export default function BuildPage() {
  const { buildId = "" } = useParams({ strict: false }) as { buildId?: string };
  const version = useBuildLog(buildId).data?.build.version;
  return (
    <Page
      title="Build"
      heading={<span className="mono">{buildId}</span>}
      breadcrumbs={[
        <PlaceLink key="deployments" page="deployments" look="quiet">
          Deployments
        </PlaceLink>,
      ]}
      actions={
        version && (
          <PlaceButton page="deployments/$version" params={{ version }} icon="rocket">
            {version}
          </PlaceButton>
        )
      }
    >
      <BuildLog buildId={buildId} />
    </Page>
  );
}
