import type { BuildExtension } from "./extension.ts";

const PATHS = { FFMPEG_PATH: "/usr/bin/ffmpeg", FFPROBE_PATH: "/usr/bin/ffprobe" };

/**
 * Installs Debian's ffmpeg into the image and names its programs in FFMPEG_PATH and FFPROBE_PATH; needs a Docker build.
 * A `version` is taken for compatibility: Debian's is installed, and another is warned about.
 */
export function ffmpeg({ version }: { version?: string } = {}): BuildExtension {
  return {
    name: "ffmpeg",
    onBuildComplete({ target, logger, addLayer }) {
      if (target !== "deploy") return;
      if (version !== undefined)
        logger.warn(`ffmpeg ${version} was asked for; the image gets the version of its Debian.`);
      addLayer({ id: "ffmpeg", image: { pkgs: ["ffmpeg"] }, deploy: { env: PATHS, override: true } });
    },
  };
}
