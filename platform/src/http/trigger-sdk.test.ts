import { describeTriggerSdk } from "../../test/support/api-contract.ts";
import { MANIFEST } from "../../test/support/fake-engine.ts";
import { KEY, OTHER_KEY, PROD, serveHttp } from "../../test/support/served-http.ts";

describeTriggerSdk(async () => {
  const { url, engine } = await serveHttp();
  const manifest = {
    ...MANIFEST,
    tasks: [...MANIFEST.tasks, { id: "export", filePath: "src/export.ts", kind: "STANDARD" as const }],
  };
  await engine.deploymentService().register(PROD, {
    manifest,
    source: { kind: "local", bundleDir: "/b", projectDir: "/p", envFiles: [] },
    promote: true,
  });
  return {
    url,
    key: KEY,
    projectRef: PROD.projectRef,
    otherKey: OTHER_KEY,
    async complete(runId, output) {
      engine.finish(runId, {
        status: "COMPLETED",
        output: { data: Buffer.from(JSON.stringify(output)), type: "application/json" },
      });
    },
  };
});
