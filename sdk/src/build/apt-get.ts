import type { BuildExtension } from "./extension.ts";

/** Installs Debian packages into the image; needs a Docker build. Does nothing in `gantry dev`. */
export function aptGet({ packages }: { packages: string[] }): BuildExtension {
  return {
    name: "aptGet",
    onBuildComplete({ target, addLayer }) {
      if (target === "deploy") addLayer({ id: "apt-get", image: { pkgs: packages } });
    },
  };
}
