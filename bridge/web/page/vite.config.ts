/* How the page is built: hashed files and a manifest, which bridge/web/shell.py reads. */

import { defineConfig } from "vite";

export default defineConfig({
  base: "/assets/",
  publicDir: false,
  build: {
    outDir: "../static/page",
    emptyOutDir: true,
    // The server looks files up in it, by the name of their source.
    manifest: "manifest.json",
    // The content security policy allows no `data:` addresses: small files stay files.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    target: ["chrome123", "firefox128", "safari17.5"],
    rolldownOptions: {
      input: ["src/main.tsx", "src/strings/en.ts", "src/strings/zh.ts"],
      output: { assetFileNames: "[name]-[hash][extname]", chunkFileNames: "[name]-[hash].js", entryFileNames: "[name]-[hash].js" },
    },
  },
});
