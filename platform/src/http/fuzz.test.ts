import { describeFuzz } from "../../test/support/api-fuzz.ts";
import { MANIFEST } from "../../test/support/fake-engine.ts";
import { KEY, PROD, serveHttp } from "../../test/support/served-http.ts";

describeFuzz(async () => {
  const { url, engine } = await serveHttp();
  await engine
    .deploymentService()
    .register(PROD, { manifest: MANIFEST, source: { kind: "image", repository: "", digest: "" }, promote: true });
  return { url, key: KEY };
});
