import { openAsBlob } from "node:fs";
import type { DeployClient } from "../../client/deploy-client.ts";
import type { DeployTarget, Layer } from "../../contract/api/index.ts";
import { CliError } from "../cli-error.ts";
import { byteSize } from "./byte-size.ts";
import type { DeployReporter } from "./deploy-reporter.ts";
import type { LayerFile } from "./layer-cache.ts";

/** The layers that the registry lacks. */
export async function missingLayers(client: DeployClient, layers: LayerFile[]): Promise<LayerFile[]> {
  const missing = new Set(await client.missingLayers(layers.map(({ digest }) => digest)));
  return layers.filter(({ digest }) => missing.has(digest));
}

/** Refuses before anything is sent. Error: LAYER_TOO_LARGE. */
export function checkSizes(layers: LayerFile[], { maxLayerBytes }: DeployTarget): void {
  const tooLarge = layers.find(({ bytes }) => bytes > maxLayerBytes);
  if (tooLarge === undefined) return;
  const size = `${byteSize(tooLarge.bytes)}, more than the platform's ${byteSize(maxLayerBytes)}`;
  throw new CliError("LAYER_TOO_LARGE", `The layer with the ${CONTENTS[tooLarge.kind]} has ${size}.`, {
    remedy: "Deploy less of it, or raise GANTRY_PLATFORM_MAX_LAYER_BYTES.",
  });
}

export const CONTENTS: Record<Layer["kind"], string> = {
  externals: "packages beside the bundle",
  files: "additional files",
  bundle: "bundle",
};

/** Sends them one after another: one upload uses the line as well as two. */
export async function uploadLayers(client: DeployClient, layers: LayerFile[], reporter: DeployReporter): Promise<void> {
  const total = layers.reduce((sum, { bytes }) => sum + bytes, 0);
  let sent = 0;
  for (const layer of layers) {
    // A body that was begun twice counts from where its layer began.
    const before = sent;
    const blob = await openAsBlob(layer.file);
    const open = () => {
      sent = before;
      return counted(blob.stream(), (bytes) => {
        sent += bytes;
        reporter.working(`Uploading ${byteSize(sent)} of ${byteSize(total)}`);
      });
    };
    await client.uploadLayer(layerOf(layer), open);
    sent = before + layer.bytes;
  }
}

/** As the API takes it. */
export function layerOf({ digest, diffId, bytes, kind, platform }: LayerFile): Layer {
  return { digest, diffId, bytes, kind, ...(platform !== undefined && { platform }) };
}

function counted(stream: ReadableStream<Uint8Array>, count: (bytes: number) => void): ReadableStream<Uint8Array> {
  return stream.pipeThrough(
    new TransformStream({
      transform(chunk, controller) {
        count(chunk.byteLength);
        controller.enqueue(chunk);
      },
    }),
  );
}
