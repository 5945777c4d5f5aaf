import { EmptyState } from "../../ui/empty-state.tsx";
import { Page } from "../../ui/page.tsx";

export default function RunsPage() {
  return (
    <Page title="Runs">
      <EmptyState icon="runs" title="No runs yet" command="npx gantry trigger hello" />
    </Page>
  );
}
