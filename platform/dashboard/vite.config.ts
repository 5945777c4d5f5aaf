import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

/** A platform to look at while the dashboard is developed: `npx vite` here, `gantry dev` elsewhere. */
const PLATFORM = "http://127.0.0.1:4400";

export default defineConfig({
  root: import.meta.dirname,
  plugins: [react()],
  resolve: { conditions: ["gantry-source", "module", "browser", "development|production"] },
  build: {
    outDir: "../dist/dashboard",
    emptyOutDir: true,
    manifest: true,
    // light-dark() and :has() as they stand in the stylesheets.
    target: ["chrome123", "firefox121", "safari17.5"],
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
  server: { proxy: { "/api": PLATFORM, "/realtime/socket": { target: PLATFORM, ws: true } } },
});
