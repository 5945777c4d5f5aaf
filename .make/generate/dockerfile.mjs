import { dockerfile } from "@gantry/sdk/contract";
import { imageNeeds } from "../../sdk/src/cli/bundle/image-needs-policy.ts";

/** The Dockerfile of a version whose extensions ask for everything that they can. */
export function versionDockerfile() {
  const { instructions } = imageNeeds([
    { id: "apt-get", image: { pkgs: ["poppler-utils", "imagemagick"] } },
    { id: "ffmpeg", image: { pkgs: ["ffmpeg"] }, deploy: { env: { FFMPEG_PATH: "/usr/bin/ffmpeg" } } },
    {
      id: "fonts",
      build: { env: { FONTS: "noto" } },
      image: { instructions: ["COPY --from=fonts:1 /fonts /usr/share/fonts"] },
      commands: ["fc-cache --force"],
    },
  ]);
  return dockerfile({
    baseImage: "registry.example/gantry/worker:0.1.0",
    instructions,
    layerFiles: ["0-externals.tar.gz", "1-files.tar.gz", "2-bundle.tar.gz"],
    env: { GANTRY_BUNDLE_DIR: "/app/bundle", GANTRY_BUNDLE_ENTRY: "entry.mjs" },
    labels: { "dev.gantry.environment": "prod", "dev.gantry.project": "shop" },
  });
}
